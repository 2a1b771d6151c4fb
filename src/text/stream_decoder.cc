#include "text/stream_decoder.h"

#include <algorithm>
#include <utility>

#include "base/utf8.h"

namespace hearth::text {

StreamDecoder::StreamDecoder(const Tokenizer& tokenizer, Options options)
    : tokenizer_(tokenizer),
      special_(options.special),
      shown_(std::move(options.shown)),
      drops_space_(options.at_text_start && tokenizer.adds_space_prefix()) {
  std::ranges::sort(shown_);
}

std::string StreamDecoder::push(TokenId id) {
  if (id < 0 || id >= tokenizer_.n_tokens()) return {};
  std::string bytes =
      tokenizer_.token_bytes(id, special_ || std::ranges::binary_search(shown_, id));
  const TokenKind kind = tokenizer_.kind(id);
  const bool is_text = kind != TokenKind::kControl && kind != TokenKind::kUnknown;
  if (is_text && drops_space_) {
    if (bytes.starts_with(' ')) bytes.erase(0, 1);
    drops_space_ = false;
  }
  held_ += bytes;
  const size_t n_complete = complete_utf8_prefix(held_);
  std::string text = replace_invalid_utf8(std::string_view(held_).substr(0, n_complete));
  held_.erase(0, n_complete);
  return text;
}

std::string StreamDecoder::flush() {
  std::string text = replace_invalid_utf8(held_);
  held_.clear();
  return text;
}

}  // namespace hearth::text
