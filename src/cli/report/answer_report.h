// What an answer took: for people after it, and as JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>

#include "cli/chat.h"

namespace hearth::cli {

// Measures the machine's read bandwidth once, when it is first asked for.
class AnswerReport {
 public:
  // Lines on stderr: tokens, time to first token, rates, what was run ahead, and the memory
  // bandwidth that the model's steps used as a fraction of what the machine reads.
  void print(const Chat& chat, const Answer& answer);

  // {"model", "text", "tokens", "done_reason", "prompt_tokens", ...}
  nlohmann::ordered_json json(const Chat& chat, const Answer& answer) const;

 private:
  std::optional<double> bandwidth_;  // bytes/s; 0: could not be measured
};

}  // namespace hearth::cli
