// How a chat template writes an assistant's message with a known tool call and known reasoning.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "text/answer_format.h"
#include "text/tool_set.h"

namespace hearth::text {

class Probe {
 public:
  // Both must outlive this.
  Probe(std::string_view source, const ChatTemplate& chat_template);

  AnswerFormat format() const;

 private:
  // What the assistant wrote in a rendering, after what stands before any answer.
  struct Answer {
    std::string prompt, text;
  };
  std::optional<std::string> render(std::string_view messages, bool is_prompt) const;
  std::optional<Answer> answer(std::string_view message) const;
  std::optional<Answer> call_answer() const;
  std::optional<AnswerFormat> found_format(std::string_view answer) const;
  struct Reasoning {
    std::string open, close;
  };
  Reasoning reasoning() const;
  std::optional<size_t> n_unread(const AnswerFormat& format, const Answer& answer) const;

  std::string_view source_;
  const ChatTemplate& template_;
  ToolSet tools_;
};

}  // namespace hearth::text
