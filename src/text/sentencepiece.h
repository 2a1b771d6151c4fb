// SentencePiece BPE (tokenizer.ggml.model "llama"): characters merge into the neighbours' token of
// the highest score; what is in no token becomes byte tokens, or the unknown token. There are no
// words: merging runs over the whole text between user-defined tokens. U+2581 in the text is a
// space. Bytes that are not UTF-8 become their byte tokens. Tokens of type "unused" are never made.
#pragma once

#include <bitset>

#include "text/vocabulary_tokenizer.h"

namespace hearth::text {

// Where no merge can ever cross, so that text may be cut there: pairs of neighbouring characters
// that no token holds. Characters beyond ASCII share 128 classes, so a cut may be missed, never
// wrongly made.
class CutTable {
 public:
  explicit CutTable(const Vocabulary& vocabulary);
  static uint8_t class_of(char32_t code_point) {
    if (code_point < 0x80) return static_cast<uint8_t>(code_point);
    return static_cast<uint8_t>(0x80 | (code_point * 0x9E3779B1u) >> 25);
  }
  bool can_cut(uint8_t left, uint8_t right) const { return !is_joined_[left << 8 | right]; }

 private:
  std::bitset<256 * 256> is_joined_;
};

class SentencePieceTokenizer final : public VocabularyTokenizer {
 public:
  static Result<std::unique_ptr<Tokenizer>> from_gguf(const gguf::Metadata& metadata);

 private:
  SentencePieceTokenizer(Vocabulary vocabulary, Settings settings, std::vector<uint32_t> priorities,
                         bool collapses_spaces);

  std::string_view prepare(std::string_view text, std::string& copy) const override;
  void encode_segment(std::string_view segment, EncodeWorkspace& workspace) const override;
  bool takes_space_prefix(std::string_view text) const override { return !text.empty(); }
  size_t next_cut(std::string_view text, size_t begin) const;
  void encode_piece(std::string_view text, size_t begin, size_t end,
                    EncodeWorkspace& workspace) const;
  void put_bytes(std::string_view bytes, EncodeWorkspace& workspace) const;

  const std::vector<uint32_t> priorities_;  // by token: lower for a higher score
  const bool collapses_spaces_;
  const CutTable cuts_;
  size_t longest_token_bytes_ = 0;
  bool has_all_bytes_ = true;  // else a word's tokens depend on an unknown token before it
  std::array<TokenId, 128> ascii_tokens_;
};

}  // namespace hearth::text
