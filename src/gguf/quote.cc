#include "gguf/quote.h"

#include "base/utf8.h"

namespace hearth::gguf {

std::string quote(std::string_view text) {
  constexpr size_t kMaxBytes = 96;
  const bool is_cut = text.size() > kMaxBytes;
  if (is_cut) text = text.substr(0, complete_utf8_prefix(text.substr(0, kMaxBytes)));
  std::string out = "'";
  while (!text.empty()) {
    const Utf8Char c = decode_utf8(text);
    const bool is_control = c.code_point < 0x20 || (c.code_point >= 0x7F && c.code_point < 0xA0);
    append_utf8(out, is_control ? kReplacementCharacter : c.code_point);
    text.remove_prefix(c.n_bytes);
  }
  out += is_cut ? "...'" : "'";
  return out;
}

}  // namespace hearth::gguf
