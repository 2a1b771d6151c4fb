// tokenizer.json of the `tokenizers` library, version 1.0.
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <unordered_map>

#include "gguf/quote.h"
#include "models/convert/vocabulary.h"

namespace hearth::models {
namespace {

using nlohmann::json;

constexpr float kNeverMerged = -1e9f;

constexpr std::string_view kLlama3Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kQwen2Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

std::unexpected<Error> unsupported(const std::string& what) {
  return fail(ErrorCode::kUnsupported, "tokenizer.json: " + what);
}

// A member, or null if `value` is no object or has none.
const json& member(const json& value, const char* key) {
  static const json none;
  if (!value.is_object()) return none;
  const auto it = value.find(key);
  return it == value.end() ? none : *it;
}

std::string text_of(const json& value) {
  return value.is_string() ? value.get<std::string>() : std::string();
}

bool is_true(const json& value) { return value.is_boolean() && value.get<bool>(); }

// The parts of a "Sequence", or the one thing itself.
std::vector<const json*> parts_of(const json& value, const char* list) {
  if (value.is_null()) return {};
  if (text_of(member(value, "type")) != "Sequence") return {&value};
  std::vector<const json*> parts;
  for (const json& part : member(value, list)) parts.push_back(&part);
  return parts;
}

// A byte-level pre-tokenizer in few words: "digits,bytes".
Result<std::string> describe_pretokenizer(const json& pre) {
  std::string description;
  for (const json* part : parts_of(pre, "pretokenizers")) {
    const std::string type = text_of(member(*part, "type"));
    std::string word;
    if (type == "ByteLevel" && !is_true(member(*part, "add_prefix_space"))) {
      const json& uses_regex = member(*part, "use_regex");
      word = uses_regex.is_null() || is_true(uses_regex) ? "words" : "bytes";
    } else if (type == "Digits" && is_true(member(*part, "individual_digits"))) {
      word = "digits";
    } else if (type == "Split" && text_of(member(*part, "behavior")) == "Isolated") {
      const std::string pattern = text_of(member(member(*part, "pattern"), "Regex"));
      word = pattern == kLlama3Pattern ? "llama3" : pattern == kQwen2Pattern ? "qwen2" : "";
    }
    if (word.empty())
      return unsupported("unknown pre-tokenizer " +
                         gguf::quote(part->dump(-1, ' ', true, json::error_handler_t::replace)));
    description += (description.empty() ? "" : ",") + word;
  }
  return description;
}

// GGUF's name of the pre-tokenizer.
Result<std::string> pretokenizer_name(const json& root) {
  const std::string found = TRY(describe_pretokenizer(member(root, "pre_tokenizer")));
  const json& normalizer = member(root, "normalizer");
  const bool has_nfc = text_of(member(normalizer, "type")) == "NFC";
  if (!normalizer.is_null() && !has_nfc)
    return unsupported("unknown normalizer " + gguf::quote(text_of(member(normalizer, "type"))));
  const bool ignores_merges = is_true(member(member(root, "model"), "ignore_merges"));
  if (found == "qwen2,bytes" && has_nfc && !ignores_merges) return "qwen2";
  if (has_nfc) return unsupported("normalizer NFC with a pre-tokenizer that GGUF has without");
  if (found == "llama3,bytes") return ignores_merges ? "llama-bpe" : "dbrx";
  if (ignores_merges)
    return unsupported("ignore_merges with a pre-tokenizer that GGUF has without");
  if (found == "words") return "gpt-2";
  if (found == "digits,words") return "smollm";
  return unsupported("unknown pre-tokenizer sequence " + gguf::quote(found));
}

// Whether a SentencePiece-like tokenizer puts a space before the text.
Result<bool> has_space_prefix(const json& root) {
  bool prepends = false;
  for (const json* part : parts_of(member(root, "normalizer"), "normalizers")) {
    const std::string type = text_of(member(*part, "type"));
    const std::string from = text_of(member(member(*part, "pattern"), "String"));
    if (type == "Prepend" && text_of(member(*part, "prepend")) == "\u2581") {
      prepends = true;
    } else if (type != "Replace" || from != " " || text_of(member(*part, "content")) != "\u2581") {
      return unsupported("unknown normalizer " + gguf::quote(type));
    }
  }
  for (const json* part : parts_of(member(root, "pre_tokenizer"), "pretokenizers")) {
    const std::string type = text_of(member(*part, "type"));
    const std::string scheme = text_of(member(*part, "prepend_scheme"));
    if (type == "Metaspace")
      prepends = scheme.empty() ? is_true(member(*part, "add_prefix_space")) : scheme != "never";
    else if (type != "Split")  // Gemma's, which never splits once spaces are replaced
      return unsupported("unknown pre-tokenizer " + gguf::quote(type));
  }
  return prepends;
}

struct Merge {
  std::string left, right;
};

// "a b", or ["a", "b"] as newer files have it.
Result<std::vector<Merge>> read_merges(const json& model) {
  std::vector<Merge> merges;
  for (const json& item : member(model, "merges")) {
    if (item.is_array() && item.size() == 2) {
      merges.push_back({text_of(item[0]), text_of(item[1])});
    } else {
      const std::string text = text_of(item);
      const size_t space = text.find(' ');
      if (space != std::string::npos)
        merges.push_back({text.substr(0, space), text.substr(space + 1)});
    }
    if (merges.empty() || merges.back().left.empty() || merges.back().right.empty())
      return fail(ErrorCode::kInvalidFile, "tokenizer.json: a merge is no pair of tokens");
  }
  return merges;
}

Result<void> fill_byte_level(const json& root, Vocabulary& vocabulary) {
  const json& model = member(root, "model");
  vocabulary.model = "gpt2";
  vocabulary.pre = TRY(pretokenizer_name(root));
  for (const auto& [text, id] : model["vocab"].items())
    TRY(vocabulary.set(id.get<int64_t>(), text, 0, TokenType::kNormal));
  for (const Merge& merge : TRY(read_merges(model)))
    vocabulary.merges.push_back(merge.left + " " + merge.right);
  return {};
}

bool names_byte(std::string_view text) {
  return text.size() == 6 && text.starts_with("<0x") && text[5] == '>';
}

Result<void> fill_sentencepiece_like(const json& root, Vocabulary& vocabulary) {
  const json& model = member(root, "model");
  vocabulary.model = "llama";
  vocabulary.adds_space_prefix = TRY(has_space_prefix(root));
  const std::vector<Merge> merges = TRY(read_merges(model));
  std::unordered_map<std::string, float> scores;
  for (size_t rank = 0; rank < merges.size(); ++rank)
    scores.try_emplace(merges[rank].left + merges[rank].right, -static_cast<float>(rank));
  const std::string unknown = text_of(member(model, "unk_token"));
  for (const auto& [text, id] : model["vocab"].items()) {
    const auto score = scores.find(text);
    const TokenType type = text == unknown    ? TokenType::kUnknown
                           : names_byte(text) ? TokenType::kByte
                                              : TokenType::kNormal;
    TRY(vocabulary.set(id.get<int64_t>(), text,
                       score == scores.end() ? kNeverMerged : score->second, type));
  }
  return {};
}

}  // namespace

Result<Vocabulary> read_tokenizer_json(const HfConfig& file) {
  const json& root = file.root();
  const json& model = member(root, "model");
  const std::string type = text_of(member(model, "type"));
  const json& vocab = member(model, "vocab");
  if (!(type == "BPE" || (type.empty() && model.contains("merges"))))
    return unsupported(fmt::format("model type {}, expected BPE", gguf::quote(type)));
  if (!vocab.is_object())
    return fail(ErrorCode::kInvalidFile, "tokenizer.json: 'vocab' is no object");
  for (const json& id : vocab)
    if (!id.is_number_unsigned() || id.get<uint64_t>() > INT32_MAX)
      return fail(ErrorCode::kInvalidFile, "tokenizer.json: 'vocab' holds what is no token id");
  if (!text_of(member(model, "continuing_subword_prefix")).empty() ||
      !text_of(member(model, "end_of_word_suffix")).empty())
    return unsupported("sub-word prefixes or suffixes");
  Vocabulary vocabulary;
  if (is_true(member(model, "byte_fallback")))
    TRY(fill_sentencepiece_like(root, vocabulary));
  else
    TRY(fill_byte_level(root, vocabulary));
  TRY(add_added_tokens(file, vocabulary));
  return vocabulary;
}

Result<void> add_added_tokens(const HfConfig& file, Vocabulary& vocabulary) {
  for (const json& token : member(file.root(), "added_tokens")) {
    const json& id = member(token, "id");
    std::string text = text_of(member(token, "content"));
    if (!id.is_number_unsigned() || id.get<uint64_t>() > INT32_MAX || text.empty())
      return fail(ErrorCode::kInvalidFile, "tokenizer.json: an added token without id or content");
    const auto slot = id.get<size_t>();
    const bool is_known = slot < vocabulary.types.size();
    if (is_known && vocabulary.types[slot] == TokenType::kUnknown) continue;
    if (is_known && vocabulary.types[slot] == TokenType::kByte) continue;
    const bool is_special = is_true(member(token, "special"));
    // Matched in the text before spaces are replaced.
    if (!is_special && vocabulary.model == "llama")
      for (size_t at; (at = text.find("\u2581")) != std::string::npos;) text.replace(at, 3, " ");
    TRY(vocabulary.set(static_cast<int64_t>(slot), std::move(text), -1000.0f,
                       is_special ? TokenType::kControl : TokenType::kUserDefined));
  }
  return {};
}

}  // namespace hearth::models
