#include "text/vocabulary.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <limits>

#include "text/byte_alphabet.h"
#include "text/hash.h"

namespace hearth::text {
namespace {

constexpr const char* kTokensKey = "tokenizer.ggml.tokens";
constexpr const char* kTypesKey = "tokenizer.ggml.token_type";
constexpr std::string_view kSpaceMark = "\u2581";

// Texts after which an answer is over, whatever the metadata says; the ends of turns and messages
// of known chat formats.
constexpr std::string_view kKnownEnds[] = {
    "<|im_end|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<end_of_turn>",
    "<|end|>",
    "<|return|>",
    "<|call|>",
    "<|endoftext|>",
    "<|end_of_text|>",
    "<EOT>",
    "_<EOT>",
    "<|end_of_turn|>",
    "<|eot|>",
    "<|eom|>",
    "<turn|>",
    "<|endofprompt|>",
    "<|end_of_sentence|>",
    "<|END_OF_TURN_TOKEN|>",
    "<\uFF5Cend\u2581of\u2581sentence\uFF5C>",
};

constexpr const char* kEndKeys[] = {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id",
                                    "tokenizer.ggml.eom_token_id"};

std::optional<TokenKind> kind_of_type(int64_t type) {
  switch (type) {
    case 0:
    case 1: return TokenKind::kNormal;
    case 2: return TokenKind::kUnknown;
    case 3: return TokenKind::kControl;
    case 4: return TokenKind::kUserDefined;
    case 5: return TokenKind::kUnused;
    case 6: return TokenKind::kByte;
    default: return std::nullopt;
  }
}

std::optional<uint8_t> hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return std::nullopt;
}

// The byte that "<0x0A>" names: exactly two hexadecimal digits.
std::optional<uint8_t> named_byte(std::string_view text) {
  if (text.size() != 6 || !text.starts_with("<0x") || text[5] != '>') return std::nullopt;
  const auto high = hex_digit(text[3]);
  const auto low = hex_digit(text[4]);
  if (!high || !low) return std::nullopt;
  return static_cast<uint8_t>(*high << 4 | *low);
}

std::string with_spaces(std::string_view spelling) {
  std::string bytes;
  bytes.reserve(spelling.size());
  for (size_t i = 0; i < spelling.size();) {
    if (spelling.substr(i).starts_with(kSpaceMark)) {
      bytes += ' ';
      i += kSpaceMark.size();
    } else {
      bytes += spelling[i++];
    }
  }
  return bytes;
}

// A token id, or nothing if the key is missing or holds -1 (as signed or unsigned 32 bits), which
// writers use for "none".
Result<std::optional<TokenId>> read_role(const gguf::Metadata& metadata, const char* key,
                                         int32_t n_tokens) {
  const gguf::Value* value = metadata.find(key);
  if (value == nullptr) return std::optional<TokenId>();
  if (const auto* negative = std::get_if<int64_t>(&value->data); negative && *negative == -1) {
    return std::optional<TokenId>();
  }
  const uint64_t id = TRY(metadata.get_uint(key, 0, std::numeric_limits<uint32_t>::max()));
  if (id == std::numeric_limits<uint32_t>::max()) return std::optional<TokenId>();
  if (id >= static_cast<uint64_t>(n_tokens)) {
    return fail(ErrorCode::kInvalidFile,
                fmt::format("{}: token {} of a vocabulary of {}", key, id, n_tokens));
  }
  return std::optional<TokenId>(static_cast<TokenId>(id));
}

}  // namespace

void Vocabulary::Index::reserve(size_t n_tokens) {
  slots.assign(std::bit_ceil(n_tokens * 2 + 2), kNoToken);
}

void Vocabulary::Index::add(const StringTable& table, TokenId id) {
  const size_t mask = slots.size() - 1;
  const std::string_view text = table.at(id);
  for (size_t slot = hash_bytes(text) & mask;; slot = (slot + 1) & mask) {
    if (slots[slot] == kNoToken) {
      slots[slot] = id;
      return;
    }
    if (table.at(slots[slot]) == text) return;
  }
}

TokenId Vocabulary::Index::find(const StringTable& table, std::string_view text) const {
  const size_t mask = slots.size() - 1;
  for (size_t slot = hash_bytes(text) & mask;; slot = (slot + 1) & mask) {
    if (slots[slot] == kNoToken || table.at(slots[slot]) == text) return slots[slot];
  }
}

Result<Vocabulary> Vocabulary::from_gguf(const gguf::Metadata& metadata, TokenSpelling spelling) {
  Vocabulary vocabulary;
  TRY(vocabulary.read_tokens(metadata));
  TRY(vocabulary.read_kinds(metadata, spelling));
  TRY(vocabulary.read_roles(metadata));
  vocabulary.mark_known_ends();
  TRY(vocabulary.check_special_bytes());
  TRY(vocabulary.spell_bytes(spelling));
  vocabulary.index_bytes(spelling);
  return vocabulary;
}

Result<void> Vocabulary::read_tokens(const gguf::Metadata& metadata) {
  const auto tokens = TRY(metadata.get_strings(kTokensKey));
  if (tokens.empty() || tokens.size() > (1u << 26)) {
    return fail(ErrorCode::kInvalidFile,
                fmt::format("{}: {} tokens; expected 1 to 2^26", kTokensKey, tokens.size()));
  }
  spellings_.starts.reserve(tokens.size() + 1);
  by_spelling_.reserve(tokens.size());
  for (size_t i = 0; i < tokens.size(); ++i) {
    spellings_.add(tokens[i]);
    by_spelling_.add(spellings_, static_cast<TokenId>(i));
  }
  return {};
}

Result<void> Vocabulary::read_kinds(const gguf::Metadata& metadata, TokenSpelling spelling) {
  const size_t n_tokens = spellings_.starts.size() - 1;
  kinds_.assign(n_tokens, TokenKind::kNormal);
  if (!metadata.has(kTypesKey)) {
    if (spelling != TokenSpelling::kSentencePiece) return {};
    for (TokenId id = 0; id < size(); ++id) {
      if (named_byte(spellings_.at(id))) kinds_[id] = TokenKind::kByte;
    }
    return {};
  }
  const std::vector<int64_t> types = TRY(metadata.get_ints(kTypesKey));
  if (types.size() != n_tokens) {
    return fail(ErrorCode::kInvalidFile, fmt::format("{} has {} entries, {} has {}", kTypesKey,
                                                     types.size(), kTokensKey, n_tokens));
  }
  for (size_t i = 0; i < n_tokens; ++i) {
    const auto kind = kind_of_type(types[i]);
    if (!kind) {
      return fail(ErrorCode::kInvalidFile,
                  fmt::format("{}[{}] is {}; expected 0 to 6", kTypesKey, i, types[i]));
    }
    kinds_[i] = *kind;
  }
  return {};
}

Result<void> Vocabulary::read_roles(const gguf::Metadata& metadata) {
  bos_ = TRY(read_role(metadata, "tokenizer.ggml.bos_token_id", size()));
  eos_ = TRY(read_role(metadata, "tokenizer.ggml.eos_token_id", size()));
  unknown_ = TRY(read_role(metadata, "tokenizer.ggml.unknown_token_id", size()));
  for (TokenId id = 0; id < size() && !unknown_; ++id) {
    if (kinds_[id] == TokenKind::kUnknown) unknown_ = id;
  }
  for (const char* key : kEndKeys) {
    if (const auto id = TRY(read_role(metadata, key, size()))) ends_.push_back(*id);
  }
  return {};
}

// Also makes them control tokens: text from a user may never end a turn.
void Vocabulary::mark_known_ends() {
  for (const std::string_view text : kKnownEnds) {
    const auto id = find_spelling(text);
    if (!id) continue;
    ends_.push_back(*id);
    kinds_[*id] = TokenKind::kControl;
  }
  std::sort(ends_.begin(), ends_.end());
  ends_.erase(std::unique(ends_.begin(), ends_.end()), ends_.end());
}

Result<void> Vocabulary::check_special_bytes() const {
  size_t n_bytes = 0;
  for (TokenId id = 0; id < size(); ++id) {
    const bool is_special = !is_text(id) || kinds_[id] == TokenKind::kUserDefined;
    if (is_special) n_bytes += spellings_.at(id).size();
  }
  if (n_bytes <= kMaxSpecialBytes) return {};
  return fail(ErrorCode::kLimitExceeded,
              fmt::format("{}: the control and user-defined tokens have {} bytes of text; at most "
                          "{} are supported",
                          kTokensKey, n_bytes, kMaxSpecialBytes));
}

Result<void> Vocabulary::spell_bytes(TokenSpelling spelling) {
  bytes_.starts.reserve(spellings_.starts.size());
  for (TokenId id = 0; id < size(); ++id) {
    const std::string_view text = spellings_.at(id);
    if (kinds_[id] == TokenKind::kByte) {
      const auto byte = named_byte(text);
      if (!byte) {
        return fail(ErrorCode::kInvalidFile,
                    fmt::format("{}[{}] '{}' has the type of a byte; expected <0x00> to <0xFF>",
                                kTokensKey, id, text.substr(0, 32)));
      }
      bytes_.add({reinterpret_cast<const char*>(&*byte), 1});
    } else if (!is_text(id)) {
      bytes_.add(text);
    } else if (spelling == TokenSpelling::kSentencePiece) {
      bytes_.add(with_spaces(text));
    } else {
      const bool is_spelled = kinds_[id] != TokenKind::kUserDefined;
      bytes_.add(is_spelled ? bytes_of_spelling(text).value_or(std::string(text))
                            : std::string(text));
    }
  }
  return {};
}

void Vocabulary::index_bytes(TokenSpelling spelling) {
  byte_tokens_.fill(kNoToken);
  by_bytes_.reserve(kinds_.size());
  for (TokenId id = 0; id < size(); ++id) {
    const std::string_view text = bytes_.at(id);
    const bool is_normal = kinds_[id] == TokenKind::kNormal && !text.empty();
    if (is_normal) by_bytes_.add(bytes_, id);
    const bool is_byte = spelling == TokenSpelling::kByteLevel ? is_normal && text.size() == 1
                                                               : kinds_[id] == TokenKind::kByte;
    if (!is_byte) continue;
    TokenId& token = byte_tokens_[static_cast<uint8_t>(text[0])];
    if (token == kNoToken) token = id;
  }
}

std::optional<TokenId> Vocabulary::find_spelling(std::string_view text) const {
  const TokenId id = by_spelling_.find(spellings_, text);
  return id == kNoToken ? std::nullopt : std::optional(id);
}

TokenId Vocabulary::find_normal(std::string_view bytes) const {
  return by_bytes_.find(bytes_, bytes);
}

bool Vocabulary::ends_generation(TokenId id) const {
  return std::binary_search(ends_.begin(), ends_.end(), id);
}

}  // namespace hearth::text
