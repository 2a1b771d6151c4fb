// Text to token ids and back, from a GGUF file's tokenizer metadata. Immutable; any thread may
// call. Ids equal those of the reference libraries (`tokenizers`, `sentencepiece`) for the same
// vocabulary.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "gguf/metadata.h"

namespace hearth::text {

using TokenId = int32_t;

enum class TokenKind { kNormal, kUnknown, kControl, kUserDefined, kUnused, kByte };

struct EncodeOptions {
  // Recognize control tokens ("<|im_start|>") written in the text. Never for text from a user:
  // user-defined tokens are always recognized, as the reference does.
  bool parse_special = false;
  // Add the begin/end tokens that the model's metadata asks for (add_bos_token, add_eos_token).
  bool add_special = false;
};

class Tokenizer {
 public:
  // kUnsupported names the model or pre-tokenizer kind that is unknown and lists the known ones, or
  // says that the file has no tokenizer.
  static Result<std::unique_ptr<Tokenizer>> from_gguf(const gguf::Metadata& metadata);
  virtual ~Tokenizer() = default;

  // Any bytes are accepted; time is linear in their number (n log n inside one word).
  // kLimitExceeded beyond 1 GiB of text.
  virtual Result<std::vector<TokenId>> encode(std::string_view text,
                                              const EncodeOptions& options) const = 0;

  // The bytes that a token adds to the text: may be part of a character. Control tokens give their
  // name if `special`, else nothing. An id out of range gives nothing.
  virtual std::string token_bytes(TokenId id, bool special) const = 0;

  // Bytes of a whole sequence (a leading space that the encoder put in is taken off).
  virtual std::string decode(const std::vector<TokenId>& ids, bool special) const = 0;

  virtual int32_t n_tokens() const = 0;
  virtual TokenKind kind(TokenId id) const = 0;
  virtual std::string_view token_text(TokenId id) const = 0;  // as the vocabulary spells it
  virtual std::optional<TokenId> find(std::string_view token_text) const = 0;

  virtual std::optional<TokenId> bos() const = 0;
  virtual std::optional<TokenId> eos() const = 0;
  virtual bool adds_bos() const = 0;
  // Text starts with a space that encode() put in and decode() takes off.
  virtual bool adds_space_prefix() const { return false; }
  // eos, end of turn, end of message: a token after which an answer is over.
  virtual bool ends_generation(TokenId id) const = 0;
};

}  // namespace hearth::text
