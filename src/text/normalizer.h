// Unicode's form C (composed characters), which some families' references apply before anything
// else.
#pragma once

#include <string>
#include <string_view>

namespace hearth::text {

// True if no character of the text can take part in a change: then normalize_nfc(text) == text.
bool is_surely_nfc(std::string_view text);

// Bytes that are not UTF-8 stay as they are.
std::string normalize_nfc(std::string_view text);

}  // namespace hearth::text
