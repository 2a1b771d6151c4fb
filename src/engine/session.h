// One conversation on a model: keeps what is in the KV cache from prompt to prompt and generates.
//
// A new prompt reuses the longest common prefix with what is cached; the rest runs in steps of at
// most max_rows tokens. Nothing is ever dropped from a context: a prompt that does not fit is an
// error, and an answer that reaches the end of the context is done for reason "length". One thread;
// callbacks come on the caller's.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/kv_blocks.h"
#include "engine/sampling/chain.h"
#include "engine/sampling/logprobs.h"
#include "engine/sequence.h"
#include "engine/speculation/speculator.h"
#include "engine/step_runner.h"
#include "models/model.h"
#include "text/constraint.h"
#include "text/tokenizer.h"

namespace hearth::engine {

struct GenerateOptions {
  SamplingOptions sampling;
  int32_t n_predict = -1;          // tokens at most; -1: until the context is full
  std::vector<std::string> stops;  // the answer ends before the first of these
  int32_t n_logprobs = -1;         // likeliest alternatives a token; -1: no log-probabilities
  bool ignores_end = false;        // goes on after a token that ends generation
  // What the answer must be; null: anything. Compiled for the session's tokenizer. The answer ends
  // for reason "stop" as soon as nothing may follow. Log-probabilities stay the model's own. Not
  // with ignores_end.
  std::shared_ptr<const text::AnswerGrammar> grammar;
  // Tokens that may well come next are run ahead of their turn. Changes speed alone: tokens, pieces
  // and log-probabilities are the same to the bit.
  Speculation speculation = Speculation::kOff;
};

// Part of an answer. Whole UTF-8 characters; may be empty when a token completes none.
struct Piece {
  std::string_view text;
  TokenId token = -1;                  // -1: text that was held back until the end
  const Logprobs* logprobs = nullptr;  // where asked for
};

// Any of them may be empty.
struct GenerateCallbacks {
  std::function<void(const Piece&)> on_piece;
  // Before the prompt's first step (n_done: what is cached), and after each.
  std::function<void(int32_t n_done, int32_t n_total)> on_prompt;
  std::function<bool()> is_cancelled;  // asked before each step
};

enum class DoneReason { kStop, kLength, kCancelled };
const char* done_reason_name(DoneReason reason);  // "stop", "length", "cancelled"

struct GenerateStats {
  int32_t n_prompt = 0;      // tokens of the prompt
  int32_t n_cached = 0;      // of these, found in the cache
  int32_t n_generated = 0;   // tokens drawn, one that ends the answer included
  double first_token_s = 0;  // from the call to the first token drawn
  double prompt_s = 0;       // in the steps of the prompt
  double generation_s = 0;   // from the first token drawn to the end
  uint64_t seed = 0;
  SpeculationStats speculation;

  double prompt_tokens_per_s() const;      // of those that were not cached
  double generation_tokens_per_s() const;  // of those after the first
  double generation_steps_per_s() const;
};

struct Generated {
  DoneReason reason;
  GenerateStats stats;
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
  Result<void> check_prompt(std::span<const TokenId> prompt, const GenerateOptions& options) const;
  Result<bool> run_prompt(Run& run);
  Result<DoneReason> answer(Run& run);
  int32_t n_left(const Run& run) const;
  Result<std::span<float>> next_logits(Run& run);
  Result<TokenId> draw(Run& run, std::span<float> logits);
  void append(TokenId token);
  bool show(Run& run, TokenId token, const Logprobs* logprobs);

  models::Model& model_;
  const text::Tokenizer& tokenizer_;
  KvBlocks blocks_;
  Sequence sequence_;
  StepRunner steps_;
  int32_t row_ = 0;  // of the last step's logits: those after the sequence's last token
  Speculator speculator_;
  std::vector<float> scratch_;  // what samplers alter, where the logits are still wanted
};

}  // namespace hearth::engine
