#include "text/vocabulary_tokenizer.h"

#include <fmt/format.h>

#include <utility>

namespace hearth::text {
namespace {

constexpr size_t kMaxTextBytes = size_t{1} << 30;
constexpr size_t kMaxIdleWorkspaces = 32;
constexpr size_t kMaxKeptSymbols = 1u << 16;  // larger buffers are freed after the call

}  // namespace

VocabularyTokenizer::VocabularyTokenizer(Vocabulary vocabulary, Settings settings)
    : vocabulary_(std::move(vocabulary)), special_tokens_(vocabulary_), settings_(settings) {}

Result<VocabularyTokenizer::Settings> VocabularyTokenizer::read_settings(
    const gguf::Metadata& metadata, Settings defaults, const Vocabulary& vocabulary) {
  const bool can_add_bos = defaults.adds_bos && vocabulary.bos();
  Settings settings{};
  settings.adds_bos = TRY(metadata.get_bool_or("tokenizer.ggml.add_bos_token", can_add_bos));
  settings.adds_eos = TRY(metadata.get_bool_or("tokenizer.ggml.add_eos_token", defaults.adds_eos));
  settings.adds_space_prefix =
      TRY(metadata.get_bool_or("tokenizer.ggml.add_space_prefix", defaults.adds_space_prefix));
  if (settings.adds_bos && !vocabulary.bos()) {
    return fail(ErrorCode::kInvalidFile,
                "tokenizer.ggml.add_bos_token is true, but tokenizer.ggml.bos_token_id is missing");
  }
  if (settings.adds_eos && !vocabulary.eos()) {
    return fail(ErrorCode::kInvalidFile,
                "tokenizer.ggml.add_eos_token is true, but tokenizer.ggml.eos_token_id is missing");
  }
  return settings;
}

std::string_view VocabularyTokenizer::prepare(std::string_view text, std::string&) const {
  return text;
}

Result<std::vector<TokenId>> VocabularyTokenizer::encode(std::string_view text,
                                                         const EncodeOptions& options) const {
  if (text.size() > kMaxTextBytes) {
    return fail(ErrorCode::kLimitExceeded,
                fmt::format("a text of {} bytes is too long to tokenize; the limit is {}",
                            text.size(), kMaxTextBytes));
  }
  std::unique_ptr<EncodeWorkspace> workspace = borrow_workspace();
  workspace->n_ids = 0;
  if (options.add_special && settings_.adds_bos) workspace->put(*vocabulary_.bos());
  std::string copy;
  const std::string_view prepared = prepare(text, copy);
  size_t end = 0;
  if (options.parse_special) {
    for (const SpecialMatch& match : special_tokens_.find(prepared, true)) {
      if (vocabulary_.is_text(match.id)) continue;
      encode_without_control(prepared.substr(end, match.begin - end), *workspace);
      workspace->put(match.id);
      end = match.begin + match.n_bytes;
    }
  }
  encode_without_control(prepared.substr(end), *workspace);
  if (options.add_special && settings_.adds_eos) workspace->put(*vocabulary_.eos());
  std::vector<TokenId> ids(workspace->ids.begin(), workspace->ids.begin() + workspace->n_ids);
  return_workspace(std::move(workspace));
  return ids;
}

// The space comes before user-defined tokens are looked for: one may begin with it.
void VocabularyTokenizer::encode_without_control(std::string_view text,
                                                 EncodeWorkspace& workspace) const {
  if (text.empty()) return;
  if (settings_.adds_space_prefix && takes_space_prefix(text)) {
    workspace.text.assign(1, ' ').append(text);
    text = workspace.text;
  }
  size_t end = 0;
  for (const SpecialMatch& match : special_tokens_.find(text, false)) {
    if (match.begin > end) encode_segment(text.substr(end, match.begin - end), workspace);
    workspace.put(match.id);
    end = match.begin + match.n_bytes;
  }
  if (end < text.size()) encode_segment(text.substr(end), workspace);
}

std::string VocabularyTokenizer::token_bytes(TokenId id, bool special) const {
  if (!vocabulary_.has(id) || (!special && !vocabulary_.is_text(id))) return {};
  return std::string(vocabulary_.bytes(id));
}

std::string VocabularyTokenizer::decode(const std::vector<TokenId>& ids, bool special) const {
  std::string text;
  bool is_first_text = settings_.adds_space_prefix;
  for (const TokenId id : ids) {
    if (!vocabulary_.has(id)) continue;
    std::string_view bytes = vocabulary_.bytes(id);
    if (!vocabulary_.is_text(id)) {
      if (special) text += bytes;
      continue;
    }
    if (is_first_text && bytes.starts_with(' ')) bytes.remove_prefix(1);
    is_first_text = false;
    text += bytes;
  }
  return text;
}

TokenKind VocabularyTokenizer::kind(TokenId id) const {
  return vocabulary_.has(id) ? vocabulary_.kind(id) : TokenKind::kUnused;
}

std::string_view VocabularyTokenizer::token_text(TokenId id) const {
  return vocabulary_.has(id) ? vocabulary_.spelling(id) : std::string_view();
}

std::optional<TokenId> VocabularyTokenizer::find(std::string_view token_text) const {
  return vocabulary_.find_spelling(token_text);
}

std::unique_ptr<EncodeWorkspace> VocabularyTokenizer::borrow_workspace() const {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      auto workspace = std::move(idle_.back());
      idle_.pop_back();
      return workspace;
    }
  }
  return std::make_unique<EncodeWorkspace>();
}

void VocabularyTokenizer::return_workspace(std::unique_ptr<EncodeWorkspace> workspace) const {
  if (workspace->ids.size() > kMaxKeptSymbols) workspace->ids = {};
  if (workspace->text.capacity() > kMaxKeptSymbols) workspace->text = {};
  if (workspace->symbols.capacity() > kMaxKeptSymbols) {
    workspace->symbols = {};
    workspace->merger.release_memory();
  }
  const std::lock_guard lock(mutex_);
  if (idle_.size() < kMaxIdleWorkspaces) idle_.push_back(std::move(workspace));
}

}  // namespace hearth::text
