#include "cli/chat.h"

#include <fmt/format.h>

#include "base/log.h"
#include "base/progress.h"
#include "engine/speculation/draft_model.h"
#include "engine/speculation/lookup.h"

namespace hearth::cli {
namespace {

constexpr uint64_t kMaxSchemaBytes = 1u << 20;

// The template in use: the override, or the model's own; empty if there is none.
std::string find_template(const gguf::File& file,
                          const std::optional<std::string>& template_override) {
  if (template_override) return *template_override;
  const auto own = file.metadata().get_string("tokenizer.chat_template");
  return own ? std::string(*own) : std::string();
}

Result<std::string> schema_text(const std::string& format) {
  if (format == "json" || format.starts_with('{')) return format;
  auto text = read_text_file(format, kMaxSchemaBytes);
  if (text) return text;
  return fail(text.error().code,
              fmt::format("format: want json, a JSON schema that begins with {{, or a file with "
                          "one: {}",
                          text.error().message));
}

// With a context as long as that of the model it guesses for.
Result<OpenModel> open_draft(const std::string& draft, const ModelOptions& model,
                             const OpenModel& open) {
  ModelOptions options = model;
  options.model = draft;
  options.n_ctx = open.model->info().n_ctx;
  return open_model(options);
}

}  // namespace

Chat::Chat(OpenModel open, OpenModel draft,
           std::vector<std::unique_ptr<engine::Proposer>> proposers)
    : open_(std::move(open)),
      draft_(std::move(draft)),
      prompt_maker_(*open_.tokenizer, std::nullopt),
      session_(*open_.model, *open_.tokenizer, std::move(proposers)) {}

Result<std::unique_ptr<Chat>> Chat::open(const ModelOptions& model, const std::string& draft,
                                         const std::optional<std::string>& template_override,
                                         bool is_raw) {
  OpenModel open = TRY(open_model(model));
  OpenModel guessing;
  std::vector<std::unique_ptr<engine::Proposer>> proposers;
  if (!draft.empty()) {
    guessing = TRY(open_draft(draft, model, open));
    auto created =
        engine::DraftModel::create(*guessing.model, *guessing.tokenizer, *open.tokenizer);
    if (!created) return fail_at(draft, std::move(created).error());
    proposers.push_back(std::make_unique<engine::Lookup>(open.model->info().n_ctx));
    proposers.push_back(std::move(*created));
  }
  const std::string source = find_template(*open.file, template_override);
  if (!is_raw && source.empty()) {
    log_warning("{}: the model has no chat template; the prompt goes in as it is", model.model);
  }
  std::unique_ptr<Chat> chat(new Chat(std::move(open), std::move(guessing), std::move(proposers)));
  chat->model_name_ = model.model;
  chat->template_source_ = source;
  TRY(chat->set_raw(is_raw || source.empty()));
  return chat;
}

Result<void> Chat::set_raw(bool is_raw) {
  if (!is_raw && template_source_.empty()) {
    return fail(ErrorCode::kNotFound,
                fmt::format("{}: the model has no chat template", model_name_));
  }
  // Compiled when it is first wanted: a broken one must not stand in the way of raw prompts.
  if (!is_raw && !prompt_maker_.has_template()) return set_template(template_source_);
  is_raw_ = is_raw;
  return {};
}

Result<void> Chat::set_template(const std::string& source) {
  auto compiled = text::ChatTemplate::compile(source);
  if (!compiled) return fail_at("chat template", std::move(compiled).error());
  prompt_maker_.set_template(std::move(*compiled));
  template_source_ = source;
  is_raw_ = false;
  return {};
}

Result<void> Chat::set_format(const std::string& format) {
  if (format.empty()) {
    options.grammar = nullptr;
    return {};
  }
  const std::string schema = TRY(schema_text(format));
  if (!grammar_vocabulary_) {
    grammar_vocabulary_ = TRY(text::GrammarVocabulary::create(*open_.tokenizer));
  }
  auto grammar = text::AnswerGrammar::compile(*grammar_vocabulary_, schema);
  if (!grammar) return fail_at("format", std::move(grammar).error());
  options.grammar = std::make_shared<const text::AnswerGrammar>(std::move(*grammar));
  return {};
}

Result<std::vector<engine::TokenId>> Chat::prompt_tokens(const std::string& prompt) const {
  if (is_raw_) return prompt_maker_.raw(prompt);
  Conversation next = conversation;
  next.messages.push_back({"user", prompt});
  return prompt_maker_.chat(next);
}

Result<Answer> Chat::ask(const std::string& prompt, const ChatCallbacks& callbacks) {
  const std::vector<engine::TokenId> tokens = TRY(prompt_tokens(prompt));
  Answer answer;
  std::optional<Progress> progress;
  engine::GenerateCallbacks generate;
  generate.is_cancelled = callbacks.is_cancelled;
  int32_t n_cached = -1;
  generate.on_prompt = [&](int32_t n_done, int32_t n_total) {
    if (n_cached < 0) n_cached = n_done;
    const auto n_new = static_cast<uint64_t>(n_total - n_cached);
    if (!progress && n_total - n_done > open_.model->max_rows()) {
      progress.emplace("prompt", n_new, "tokens");
      progress->begin();
    }
    if (progress) progress->update(static_cast<uint64_t>(n_done - n_cached));
    if (n_done == n_total) progress.reset();
  };
  generate.on_piece = [&](const engine::Piece& piece) {
    answer.text += piece.text;
    if (piece.token >= 0) answer.tokens.push_back(piece.token);
    if (piece.logprobs != nullptr) answer.logprobs.push_back(*piece.logprobs);
    if (callbacks.on_text && !piece.text.empty()) callbacks.on_text(piece.text);
  };
  const engine::Generated generated = TRY(session_.generate(tokens, options, generate));
  answer.reason = generated.reason;
  answer.stats = generated.stats;
  if (!is_raw_ && answer.stats.n_generated > 0) {
    conversation.messages.push_back({"user", prompt});
    conversation.messages.push_back({"assistant", answer.text});
  }
  return answer;
}

}  // namespace hearth::cli
