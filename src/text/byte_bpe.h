// Byte-level BPE (tokenizer.ggml.model "gpt2"): text is cut into words by the family's
// pre-tokenizer, and the bytes of a word are merged in the order of tokenizer.ggml.merges.
// Bytes that are not UTF-8 are encoded one by one. A byte that the vocabulary does not spell is
// left out, as the reference does.
#pragma once

#include "text/pretokenizer.h"
#include "text/vocabulary_tokenizer.h"

namespace hearth::text {

// tokenizer.ggml.merges as a table from a pair of tokens to the token they become.
class MergeTable {
 public:
  static Result<MergeTable> from_gguf(const gguf::Metadata& metadata, const Vocabulary& vocabulary);

  Merge find(TokenId left, TokenId right) const {
    const uint64_t key = pair_key(left, right);
    for (size_t slot = mix(key, kMultiplier) & mask_;; slot = (slot + 1) & mask_) {
      if (slots_[slot].key == key) return slots_[slot].merge;
      if (slots_[slot].key == kEmpty) return kNoMerge;
    }
  }

 private:
  static constexpr uint64_t kEmpty = ~uint64_t{0};
  static constexpr uint64_t kMultiplier = 0x9E3779B97F4A7C15;
  struct Slot {
    uint64_t key = kEmpty;
    Merge merge = kNoMerge;
  };

  static uint64_t pair_key(TokenId left, TokenId right) {
    return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
  }
  void set(TokenId left, TokenId right, Merge merge);

  std::vector<Slot> slots_;  // open addressing, power of two
  size_t mask_ = 0;
};

class ByteBpeTokenizer final : public VocabularyTokenizer {
 public:
  static Result<std::unique_ptr<Tokenizer>> from_gguf(const gguf::Metadata& metadata);

 private:
  ByteBpeTokenizer(Vocabulary vocabulary, Settings settings, MergeTable merges,
                   const Pretokenizer& pretokenizer);

  void encode_segment(std::string_view segment, EncodeWorkspace& workspace) const override;
  bool takes_space_prefix(std::string_view text) const override { return !text.starts_with(' '); }
  void encode_word(std::string_view word, EncodeWorkspace& workspace) const;
  void encode_words(std::string_view text, EncodeWorkspace& workspace) const;

  const MergeTable merges_;
  const Pretokenizer& pretokenizer_;
  const CharReader chars_;
};

}  // namespace hearth::text
