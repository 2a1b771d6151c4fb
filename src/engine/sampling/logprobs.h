// Log-probabilities of the model's own distribution: the log-softmax of untouched logits.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "text/tokenizer.h"

namespace hearth::engine {

struct TokenLogprob {
  text::TokenId token;
  float logprob;  // natural logarithm
};

struct Logprobs {
  TokenLogprob chosen;
  std::vector<TokenLogprob> top;  // likeliest first, ties by lower token
};

// logits: n_vocab finite values (or -infinity). n_top is cut to the vocabulary.
Logprobs logprobs_of(std::span<const float> logits, text::TokenId chosen, int32_t n_top);

}  // namespace hearth::engine
