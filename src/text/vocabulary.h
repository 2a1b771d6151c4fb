// The tokens of a GGUF file's tokenizer: their spelling, the bytes that they stand for, their kind,
// and the ids with a role. Checked once here: after loading, every id in use is in range.
// Immutable; any thread may read. Owns its strings.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "gguf/metadata.h"
#include "text/tokenizer.h"

namespace hearth::text {

inline constexpr TokenId kNoToken = -1;

// Of the texts of control, unknown and user-defined tokens together. Finding them takes up to 80
// bytes of memory for each of their bytes; real models have up to 4 MiB.
inline constexpr size_t kMaxSpecialBytes = 8u << 20;

// How `tokenizer.ggml.tokens` spells the bytes of a normal token.
enum class TokenSpelling {
  kByteLevel,      // GPT-2's printable stand-in for each byte ("Ġthe")
  kSentencePiece,  // U+2581 for a space ("▁the"); kind kByte is "<0x0A>"
};

class Vocabulary {
 public:
  // kInvalidFile names the key and what is wrong with it.
  static Result<Vocabulary> from_gguf(const gguf::Metadata& metadata, TokenSpelling spelling);

  int32_t size() const { return static_cast<int32_t>(kinds_.size()); }
  bool has(TokenId id) const { return id >= 0 && id < size(); }
  TokenKind kind(TokenId id) const { return kinds_[id]; }
  std::string_view spelling(TokenId id) const { return spellings_.at(id); }
  // What the token adds to the text; of a token that is no text (control, unknown), its name.
  std::string_view bytes(TokenId id) const { return bytes_.at(id); }
  bool is_text(TokenId id) const {
    return kinds_[id] != TokenKind::kControl && kinds_[id] != TokenKind::kUnknown;
  }

  std::optional<TokenId> find_spelling(std::string_view text) const;  // the lowest id
  // The normal token that stands for these bytes, or kNoToken.
  TokenId find_normal(std::string_view bytes) const;
  // The token for one byte: of kind kByte, or with kByteLevel the normal one. kNoToken if none.
  TokenId byte_token(uint8_t byte) const { return byte_tokens_[byte]; }

  std::optional<TokenId> bos() const { return bos_; }
  std::optional<TokenId> eos() const { return eos_; }
  std::optional<TokenId> unknown() const { return unknown_; }
  bool ends_generation(TokenId id) const;

 private:
  // Strings one after another in one buffer.
  struct StringTable {
    std::string buffer;
    std::vector<size_t> starts = {0};  // one more than there are strings
    void add(std::string_view text) {
      buffer += text;
      starts.push_back(buffer.size());
    }
    std::string_view at(TokenId id) const {
      return std::string_view(buffer).substr(starts[id], starts[id + 1] - starts[id]);
    }
  };
  // Ids by the text they have in a StringTable; open addressing, the first id of a text stays.
  struct Index {
    std::vector<TokenId> slots;
    void reserve(size_t n_tokens);
    void add(const StringTable& table, TokenId id);
    TokenId find(const StringTable& table, std::string_view text) const;
  };

  Result<void> read_tokens(const gguf::Metadata& metadata);
  Result<void> read_kinds(const gguf::Metadata& metadata, TokenSpelling spelling);
  Result<void> read_roles(const gguf::Metadata& metadata);
  void mark_known_ends();
  Result<void> check_special_bytes() const;
  Result<void> spell_bytes(TokenSpelling spelling);
  void index_bytes(TokenSpelling spelling);

  StringTable spellings_;
  StringTable bytes_;
  Index by_spelling_;
  Index by_bytes_;  // normal tokens only
  std::vector<TokenKind> kinds_;
  std::array<TokenId, 256> byte_tokens_;
  std::optional<TokenId> bos_;
  std::optional<TokenId> eos_;
  std::optional<TokenId> unknown_;
  std::vector<TokenId> ends_;  // sorted
};

}  // namespace hearth::text
