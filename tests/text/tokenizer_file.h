// A GGUF file in memory that holds only a tokenizer, so that a test can say just what matters to
// it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/utf8.h"
#include "tests/gguf/gguf_bytes.h"
#include "text/byte_alphabet.h"
#include "text/tokenizer.h"

namespace hearth::text {

inline constexpr int32_t kNormalType = 1;
inline constexpr int32_t kUnknownType = 2;
inline constexpr int32_t kControlType = 3;
inline constexpr int32_t kUserDefinedType = 4;
inline constexpr int32_t kUnusedType = 5;
inline constexpr int32_t kByteType = 6;

struct TokenizerFile {
  std::string model = "gpt2";
  std::string pre = "gpt-2";
  std::vector<std::string> tokens = {};
  std::vector<int32_t> types = {};  // none are written where empty
  std::vector<std::string> merges = {};
  std::vector<float> scores = {};
  std::vector<std::pair<std::string, uint32_t>> numbers = {};  // after "tokenizer.ggml."
  std::vector<std::pair<std::string, bool>> flags = {};

  TokenId add(std::string text, int32_t type = kNormalType, float score = 0) {
    tokens.push_back(std::move(text));
    types.push_back(type);
    scores.push_back(score);
    return static_cast<TokenId>(tokens.size() - 1);
  }

  gguf::GgufBytes bytes() const {
    gguf::GgufBytes out;
    const uint64_t n_entries =
        3 + !types.empty() + !scores.empty() + (model == "gpt2") + numbers.size() + flags.size();
    out.header(0, n_entries);
    out.value("tokenizer.ggml.model", model);
    out.value("tokenizer.ggml.pre", pre);
    put_strings(out, "tokenizer.ggml.tokens", tokens);
    if (model == "gpt2") put_strings(out, "tokenizer.ggml.merges", merges);
    if (!types.empty()) {
      out.array("tokenizer.ggml.token_type", gguf::ValueType::kInt32, types.size());
      for (const int32_t type : types) out.put(type);
    }
    if (!scores.empty()) {
      out.array("tokenizer.ggml.scores", gguf::ValueType::kFloat32, scores.size());
      for (const float score : scores) out.put(score);
    }
    for (const auto& [key, value] : numbers) {
      out.value("tokenizer.ggml." + key, gguf::ValueType::kUint32, value);
    }
    for (const auto& [key, value] : flags) {
      out.value<uint8_t>("tokenizer.ggml." + key, gguf::ValueType::kBool, value);
    }
    return out;
  }

  Result<std::unique_ptr<Tokenizer>> load() const {
    const gguf::GgufBytes content = bytes();
    const auto file = content.parse();
    if (!file) return std::unexpected(file.error());
    return Tokenizer::from_gguf(file->metadata());
  }

 private:
  static void put_strings(gguf::GgufBytes& out, std::string_view key,
                          const std::vector<std::string>& strings) {
    out.array(key, gguf::ValueType::kString, strings.size());
    for (const std::string& string : strings) out.text(string);
  }
};

// Byte-level: a token for every byte (id = byte) and "<|end|>" (256).
inline TokenizerFile byte_level_file(std::string pre = "gpt-2") {
  TokenizerFile file{.pre = std::move(pre)};
  for (int byte = 0; byte < 256; ++byte) {
    std::string spelling;
    append_utf8(spelling, character_of_byte(static_cast<uint8_t>(byte)));
    file.add(spelling);
  }
  file.add("<|end|>", kControlType);
  file.scores.clear();
  return file;
}

// SentencePiece: "<unk>" 0, "<s>" 1, "</s>" 2, and a token for every byte (id = byte + 3).
inline TokenizerFile sentencepiece_file() {
  TokenizerFile file{.model = "llama", .pre = "default"};
  file.add("<unk>", kUnknownType);
  file.add("<s>", kControlType);
  file.add("</s>", kControlType);
  for (int byte = 0; byte < 256; ++byte) {
    constexpr char kDigits[] = "0123456789ABCDEF";
    file.add(std::string("<0x") + kDigits[byte >> 4] + kDigits[byte & 15] + ">", kByteType);
  }
  file.numbers = {{"bos_token_id", 1}, {"eos_token_id", 2}, {"unknown_token_id", 0}};
  return file;
}

// "w" and a space for U+2581 become tokens of the given score; returns the id.
inline TokenId add_word(TokenizerFile& file, std::string_view text, float score) {
  std::string spelling;
  for (const char c : text) {
    if (c == ' ') {
      spelling += "\u2581";
    } else {
      spelling += c;
    }
  }
  return file.add(spelling, kNormalType, score);
}

}  // namespace hearth::text
