// One conversation on a model: keeps what is in the KV cache from prompt to prompt and generates.
//
// A new prompt reuses the longest common prefix with what is cached; the rest runs in steps of at
// most max_rows tokens. Nothing is ever dropped from a context: a prompt that does not fit is an
// error, and an answer that reaches the end of the context is done for reason "length". One thread;
// callbacks come on the caller's.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "engine/generation.h"
#include "engine/kv_blocks.h"
#include "engine/sequence.h"
#include "engine/speculation/speculator.h"
#include "engine/step_runner.h"
#include "models/model.h"
#include "text/tokenizer.h"

namespace hearth::engine {

// Any of them may be empty.
struct GenerateCallbacks {
  std::function<void(const Piece&)> on_piece;
  // Before the prompt's first step (n_done: what is cached), and after each.
  std::function<void(int32_t n_done, int32_t n_total)> on_prompt;
  std::function<bool()> is_cancelled;  // asked before each step
};

class Session {
 public:
  // Model and tokenizer must outlive the session. proposers: where answers may speculate, guess
  // what to run ahead, the first one first; none: a Lookup in the conversation's own text.
  Session(models::Model& model, const text::Tokenizer& tokenizer,
          std::vector<std::unique_ptr<Proposer>> proposers = {});

  // kContextExceeded with the numbers if the prompt leaves no room for an answer; kInvalidArgument
  // for an empty prompt or bad options; kUnsupported or kLimitExceeded where no token can be found
  // that the grammar allows. An error leaves the session usable.
  Result<Generated> generate(std::span<const TokenId> prompt, const GenerateOptions& options,
                             const GenerateCallbacks& callbacks);

  // Prompt and answer of the last generate().
  std::span<const TokenId> tokens() const { return sequence_.tokens(); }
  // Forgets what is cached.
  void clear();

 private:
  struct Run;
  Result<bool> run_prompt(Run& run);
  Result<DoneReason> answer(Run& run);
  Result<std::span<float>> next_logits(Run& run);
  void append(TokenId token);

  models::Model& model_;
  const text::Tokenizer& tokenizer_;
  KvBlocks blocks_;
  Sequence sequence_;
  StepRunner steps_;
  int32_t row_ = 0;  // of the last step's logits: those after the sequence's last token
  Speculator speculator_;
};

}  // namespace hearth::engine
