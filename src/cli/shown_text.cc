#include "cli/shown_text.h"

#include "base/utf8.h"

namespace hearth::cli {

std::string shown_text(std::string_view text) {
  std::string shown;
  while (!text.empty()) {
    const Utf8Char c = decode_utf8(text);
    const bool is_control = (c.code_point < 0x20 && c.code_point != '\n' && c.code_point != '\t') ||
                            (c.code_point >= 0x7F && c.code_point < 0xA0);
    append_utf8(shown, is_control ? kReplacementCharacter : c.code_point);
    text.remove_prefix(c.n_bytes);
  }
  return shown;
}

}  // namespace hearth::cli
