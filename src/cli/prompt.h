// A conversation or a text to the tokens that a model reads.
//
// The spellings of control tokens ("<|im_end|>") count in what the template writes and not in what
// the messages say, so that no text can end its own turn or speak for the system.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/result.h"
#include "cli/conversation.h"
#include "text/chat_template.h"
#include "text/tokenizer.h"

namespace hearth::cli {

class PromptMaker {
 public:
  // `tokenizer` must outlive this. Without a template only raw() works.
  PromptMaker(const text::Tokenizer& tokenizer, std::optional<text::ChatTemplate> chat_template);

  void set_template(text::ChatTemplate chat_template) { template_ = std::move(chat_template); }
  bool has_template() const { return template_.has_value(); }

  // The conversation through the template, up to where the assistant speaks. Errors are the
  // template's, or kInvalidArgument for text that is not UTF-8.
  Result<std::vector<text::TokenId>> chat(const Conversation& conversation) const;

  // The text as it is: control tokens count, and what the model's metadata asks for is added.
  Result<std::vector<text::TokenId>> raw(std::string_view text) const;

 private:
  std::string disarm(std::string_view content, std::string_view mark) const;

  const text::Tokenizer& tokenizer_;
  std::optional<text::ChatTemplate> template_;
  std::unordered_set<std::string_view> control_texts_;
  std::vector<size_t> control_lengths_;  // ascending
};

}  // namespace hearth::cli
