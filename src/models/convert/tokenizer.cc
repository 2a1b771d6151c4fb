#include "models/convert/tokenizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

#include "base/log.h"
#include "gguf/quote.h"
#include "models/convert/hf_config.h"
#include "models/convert/vocabulary.h"

namespace hearth::models {
namespace {

using nlohmann::json;
constexpr size_t kMaxTemplateBytes = 1 << 20;

// A file of the folder, or an empty object where it is absent.
Result<HfConfig> read_optional(const std::string& path) {
  auto file = HfConfig::read(path);
  if (!file && file.error().code == ErrorCode::kNotFound) return HfConfig::empty();
  return file;
}

struct Files {
  HfConfig config, tokenizer, tokenizer_config;
};

std::optional<uint32_t> find_token(const Vocabulary& vocabulary, std::string_view text) {
  const auto it = std::ranges::find(vocabulary.tokens, text);
  if (text.empty() || it == vocabulary.tokens.end()) return {};
  return static_cast<uint32_t>(it - vocabulary.tokens.begin());
}

// `bos_token` and the like: a string, or an object with `content`.
std::string token_text(const HfConfig& config, const std::string& key) {
  if (!config.has(key)) return "";
  const json& value = *config.root().find(key);
  if (value.is_string()) return value.get<std::string>();
  const auto content = value.is_object() ? value.find("content") : value.end();
  return value.is_object() && content != value.end() && content->is_string()
             ? content->get<std::string>()
             : "";
}

// By the text in tokenizer_config.json, or the id (the first of a list) in config.json.
std::optional<uint32_t> special_id(const Files& files, const Vocabulary& vocabulary,
                                   const std::string& name) {
  if (const auto id = find_token(vocabulary, token_text(files.tokenizer_config, name + "_token")))
    return id;
  const auto it = files.config.root().find(name + "_token_id");
  if (it == files.config.root().end()) return {};
  const json& id = it->is_array() && !it->empty() ? it->front() : *it;
  if (!id.is_number_unsigned() || id.get<uint64_t>() >= vocabulary.tokens.size()) return {};
  return id.get<uint32_t>();
}

void write_special_ids(const Files& files, const Vocabulary& vocabulary, gguf::Writer& writer) {
  const std::pair<const char*, const char*> names[] = {
      {"bos", "bos"}, {"eos", "eos"}, {"unk", "unknown"}, {"pad", "padding"}};
  for (const auto& [hf, gguf] : names)
    if (const auto id = special_id(files, vocabulary, hf))
      writer.set_uint32(fmt::format("tokenizer.ggml.{}_token_id", gguf), *id);
}

// Whether the post-processor's template starts (or ends) with this token.
bool template_has(const json& processor, const std::string& token, bool at_start) {
  if (!processor.is_object() || token.empty()) return false;
  const auto parts = processor.find("processors");
  if (parts != processor.end() && parts->is_array())
    return std::ranges::any_of(
        *parts, [&](const json& part) { return template_has(part, token, at_start); });
  const auto single = processor.find("single");
  if (single == processor.end() || !single->is_array() || single->empty()) return false;
  const json& item = at_start ? single->front() : single->back();
  const auto special = item.find("SpecialToken");
  return special != item.end() && special->is_object() && special->value("id", json()) == token;
}

Result<void> write_additions(const Files& files, gguf::Writer& writer) {
  const auto processor = files.tokenizer.root().find("post_processor");
  for (const std::string name : {"bos", "eos"}) {
    const std::string key = "add_" + name + "_token";
    const std::string token = token_text(files.tokenizer_config, name + "_token");
    if (files.tokenizer_config.has(key))
      writer.set_bool("tokenizer.ggml." + key, TRY(files.tokenizer_config.flag_or(key, false)));
    else if (processor != files.tokenizer.root().end())
      writer.set_bool("tokenizer.ggml." + key, template_has(*processor, token, name == "bos"));
  }
  return {};
}

Result<void> write_template(std::string_view name, const std::string& source,
                            gguf::Writer& writer) {
  if (source.size() > kMaxTemplateBytes)
    return fail(ErrorCode::kInvalidFile, fmt::format("a chat template of {} bytes, expected {}",
                                                     source.size(), kMaxTemplateBytes));
  const bool is_default = name.empty() || name == "default";
  writer.set_string(is_default ? "tokenizer.chat_template"
                               : fmt::format("tokenizer.chat_template.{}", name.substr(0, 64)),
                    source);
  return {};
}

// chat_template.jinja, or chat_template of tokenizer_config.json: a text or a list of named ones.
Result<void> write_chat_templates(const std::string& dir, const HfConfig& config,
                                  gguf::Writer& writer) {
  std::ifstream file(dir + "/chat_template.jinja", std::ios::binary);
  if (file) {
    std::ostringstream source;
    source << file.rdbuf();
    return write_template("", source.str(), writer);
  }
  if (!config.has("chat_template")) return {};
  const json& found = *config.root().find("chat_template");
  if (found.is_string()) return write_template("", found.get<std::string>(), writer);
  std::vector<std::string> names;
  for (const json& item : found) {
    const auto name = item.find("name"), source = item.find("template");
    if (name == item.end() || source == item.end() || !name->is_string() || !source->is_string())
      return fail(ErrorCode::kInvalidFile,
                  "tokenizer_config.json: 'chat_template' holds what has no name and template");
    TRY(write_template(name->get<std::string>(), source->get<std::string>(), writer));
    if (*name != "default") names.push_back(name->get<std::string>());
  }
  if (!names.empty()) writer.set_strings("tokenizer.chat_templates", names);
  return {};
}

Result<void> pad(Vocabulary& vocabulary, uint64_t n_rows) {
  if (vocabulary.tokens.size() > n_rows)
    return fail(ErrorCode::kInvalidFile,
                fmt::format("the tokenizer has {} tokens, the embedding rows for {}",
                            vocabulary.tokens.size(), n_rows));
  vocabulary.tokens.resize(n_rows);
  vocabulary.scores.resize(n_rows, -1000.0f);
  vocabulary.types.resize(n_rows, TokenType::kUnused);
  for (size_t id = 0; id < n_rows; ++id)
    if (vocabulary.types[id] == TokenType::kUnused && vocabulary.tokens[id].empty())
      vocabulary.tokens[id] = fmt::format("[PAD{}]", id);
  return {};
}

void write_vocabulary(const Vocabulary& vocabulary, gguf::Writer& writer) {
  std::vector<int32_t> types;
  for (const TokenType type : vocabulary.types) types.push_back(static_cast<int32_t>(type));
  writer.set_string("tokenizer.ggml.model", vocabulary.model);
  writer.set_string("tokenizer.ggml.pre", vocabulary.pre);
  writer.set_strings("tokenizer.ggml.tokens", vocabulary.tokens);
  writer.set_ints("tokenizer.ggml.token_type", types);
  if (vocabulary.model == "gpt2") {
    writer.set_strings("tokenizer.ggml.merges", vocabulary.merges);
    return;
  }
  writer.set_floats("tokenizer.ggml.scores", vocabulary.scores);
  writer.set_bool("tokenizer.ggml.add_space_prefix", vocabulary.adds_space_prefix);
}

Result<Vocabulary> read_vocabulary(const std::string& model_path, const HfConfig& tokenizer) {
  if (!std::filesystem::exists(model_path)) return read_tokenizer_json(tokenizer);
  Vocabulary vocabulary = TRY(read_sentencepiece_model(model_path));
  TRY(add_added_tokens(tokenizer, vocabulary));
  return vocabulary;
}

}  // namespace

Result<void> write_tokenizer(const std::string& dir, uint64_t n_rows, gguf::Writer& writer) {
  const std::string model_path = dir + "/tokenizer.model";
  if (!std::filesystem::exists(model_path) && !std::filesystem::exists(dir + "/tokenizer.json")) {
    log_warning("{} has neither tokenizer.model nor tokenizer.json: converting without a tokenizer",
                dir);
    writer.set_string("tokenizer.ggml.model", "no_vocab");
    return {};
  }
  HfConfig config = TRY(read_optional(dir + "/config.json"));
  HfConfig tokenizer = TRY(read_optional(dir + "/tokenizer.json"));
  HfConfig tokenizer_config = TRY(read_optional(dir + "/tokenizer_config.json"));
  const Files files{std::move(config), std::move(tokenizer), std::move(tokenizer_config)};
  Vocabulary vocabulary = TRY(read_vocabulary(model_path, files.tokenizer));
  TRY(pad(vocabulary, n_rows));
  write_vocabulary(vocabulary, writer);
  write_special_ids(files, vocabulary, writer);
  TRY(write_additions(files, writer));
  return write_chat_templates(dir, files.tokenizer_config, writer);
}

}  // namespace hearth::models
