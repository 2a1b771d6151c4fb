// What a scheduler is asked for, and how it tells what becomes of it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/generation.h"
#include "engine/sampling/logprobs.h"
#include "text/tokenizer.h"

namespace hearth::engine {

using RequestId = uint64_t;

// Called from within Scheduler::step(), in the order of what happens; any may be empty. They may
// call submit() and cancel(), also as they are destroyed, which is soon after the last call. One of
// on_done and on_error is the last call.
struct RequestCallbacks {
  // When the prompt is taken up (n_done: what is cached), and whenever more of it was run.
  std::function<void(int32_t n_done, int32_t n_total)> on_prompt;
  // Where asked for: of prompt token 1, 2 and so on, in order, each given those before it. Valid
  // during the call.
  std::function<void(int32_t index, const Logprobs&)> on_prompt_logprobs;
  std::function<void(const Piece&)> on_piece;
  std::function<void(const Generated&)> on_done;
  std::function<void(const Error&)> on_error;
};

struct Request {
  std::vector<TokenId> prompt;
  GenerateOptions options;  // `speculation` is not acted on
  std::string client;       // prompts take turns by client
  std::string tenant;       // prefixes are found only in what the same tenant's requests have run
  // Likeliest alternatives of each prompt token but the first; -1: no log-probabilities of the
  // prompt. With them the whole prompt is run, whatever is cached.
  int32_t n_prompt_logprobs = -1;
  RequestCallbacks callbacks;
};

}  // namespace hearth::engine
