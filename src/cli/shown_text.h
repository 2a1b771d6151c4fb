// Model output for a terminal: no byte of it may drive the terminal.
#pragma once

#include <string>
#include <string_view>

namespace hearth::cli {

// Control characters (C0 but newline and tab, DEL, C1) become U+FFFD. `text` is UTF-8.
std::string shown_text(std::string_view text);

}  // namespace hearth::cli
