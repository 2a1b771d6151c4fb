// A conversation with a model in this process: what is said, how it is asked, and what it took.
// One thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/conversation.h"
#include "cli/open_model.h"
#include "cli/prompt.h"
#include "engine/session.h"

namespace hearth::cli {

struct Answer {
  std::string text;
  std::vector<engine::TokenId> tokens;     // drawn, without the one that ended the answer
  std::vector<engine::Logprobs> logprobs;  // one a token, where asked for
  engine::DoneReason reason = engine::DoneReason::kStop;
  engine::GenerateStats stats;
};

struct ChatCallbacks {
  std::function<void(std::string_view)> on_text;
  std::function<bool()> is_cancelled;
};

class Chat {
 public:
  // draft: a model that guesses what comes next where answers speculate and their own text does not
  // say; empty: none. template_override: a template's source instead of the model's. is_raw: no
  // template. Warns on stderr where the model has no template, and then asks raw.
  static Result<std::unique_ptr<Chat>> open(const ModelOptions& model, const std::string& draft,
                                            const std::optional<std::string>& template_override,
                                            bool is_raw);

  // Adds the prompt and the answer to the conversation; in raw mode each prompt stands alone. After
  // an error, or where it was cancelled before a token came, the conversation is as it was.
  Result<Answer> ask(const std::string& prompt, const ChatCallbacks& callbacks);

  // The next prompts go in as they are, or through the template; kNotFound where there is none.
  Result<void> set_raw(bool is_raw);
  // The next prompts go through this template. After an error the one before stays.
  Result<void> set_template(const std::string& source);
  // Holds the answers to come to JSON: `json` (an object), a schema, which begins with {, or the
  // path of a file with one. Empty: to nothing.
  Result<void> set_format(const std::string& format);

  engine::GenerateOptions options;  // of the next answer
  Conversation conversation;

  bool is_raw() const { return is_raw_; }
  const std::string& template_source() const { return template_source_; }  // empty: none
  const std::string& model_name() const { return model_name_; }
  const models::Model& model() const { return *open_.model; }
  int n_threads() const { return open_.n_threads; }

 private:
  Chat(OpenModel open, OpenModel draft, std::vector<std::unique_ptr<engine::Proposer>> proposers);
  Result<std::vector<engine::TokenId>> prompt_tokens(const std::string& prompt) const;

  OpenModel open_;
  OpenModel draft_;  // empty without one
  PromptMaker prompt_maker_;
  engine::Session session_;
  std::optional<text::GrammarVocabulary> grammar_vocabulary_;  // once a format was set
  std::string model_name_;
  std::string template_source_;
  bool is_raw_ = false;
};

}  // namespace hearth::cli
