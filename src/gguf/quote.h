// Text from a file, fit for an error message.
#pragma once

#include <string>
#include <string_view>

namespace hearth::gguf {

// 'text', with control characters and invalid UTF-8 replaced, cut to a line's length.
std::string quote(std::string_view text);

}  // namespace hearth::gguf
