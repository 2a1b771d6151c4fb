#include "text/normalizer.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "base/utf8.h"

namespace hearth::text {

bool is_surely_nfc(std::string_view text) {
  // U+0300 is the first character that composes or reorders; it begins with the byte 0xCC.
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<uint8_t>(c) < 0xCC; });
}

std::string normalize_nfc(std::string_view text) {
  constexpr auto kOptions = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE);
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::string_view valid = text.substr(0, find_invalid_utf8(text));
    utf8proc_uint8_t* composed = nullptr;
    const utf8proc_ssize_t n_bytes =
        valid.empty()
            ? 0
            : utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(valid.data()),
                           static_cast<utf8proc_ssize_t>(valid.size()), &composed, kOptions);
    const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(composed, &std::free);
    if (n_bytes > 0) out.append(reinterpret_cast<const char*>(composed), n_bytes);
    if (n_bytes < 0) out.append(valid);
    text.remove_prefix(valid.size());
    if (text.empty()) break;
    out += text[0];
    text.remove_prefix(1);
  }
  return out;
}

}  // namespace hearth::text
