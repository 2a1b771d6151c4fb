// A tokenizer's vocabulary on its way into GGUF's `tokenizer.ggml.*` keys.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "models/convert/hf_config.h"

namespace hearth::models {

// GGUF's token types.
enum class TokenType : int32_t {
  kNormal = 1,
  kUnknown = 2,
  kControl = 3,
  kUserDefined = 4,
  kUnused = 5,
  kByte = 6,
};

struct Vocabulary {
  std::string model;  // "gpt2": byte-level BPE; "llama": SentencePiece BPE
  std::string pre = "default";
  std::vector<std::string> tokens;  // by id; empty and kUnused where there is none
  std::vector<float> scores;        // "llama" only
  std::vector<TokenType> types;
  std::vector<std::string> merges;  // "gpt2" only
  bool adds_space_prefix = false;

  // Grows as needed. kInvalidFile for an id beyond 2^24 or a text beyond 64 KiB.
  Result<void> set(int64_t id, std::string text, float score, TokenType type);
};

// tokenizer.json with a BPE model. A byte-level one keeps its merges; a SentencePiece-like one gets
// scores that rank as its merges do.
Result<Vocabulary> read_tokenizer_json(const HfConfig& json);

// The `added_tokens` of tokenizer.json, over what is there.
Result<void> add_added_tokens(const HfConfig& json, Vocabulary& vocabulary);

// tokenizer.model, a SentencePiece ModelProto of type BPE.
Result<Vocabulary> read_sentencepiece_model(const std::string& path);

}  // namespace hearth::models
