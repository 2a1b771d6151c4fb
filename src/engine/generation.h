// What is asked of an answer, what it consists of, and what it took.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/sampling/logprobs.h"
#include "engine/sampling/options.h"
#include "engine/speculation/speculator.h"
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

enum class DoneReason { kStop, kLength, kCancelled };
const char* done_reason_name(DoneReason reason);  // "stop", "length", "cancelled"

struct GenerateStats {
  int32_t n_prompt = 0;  // tokens of the prompt
  int32_t n_cached = 0;  // of these, found in the cache
  // Of a scheduler's request: index of the prompt's first token that differs from the cached
  // sequence which agrees the longest. None where no cached sequence differs.
  std::optional<int32_t> diverged_at;
  int32_t n_generated = 0;   // tokens drawn, one that ends the answer included
  double queued_s = 0;       // of a scheduler's request: from the call to its first step
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

}  // namespace hearth::engine
