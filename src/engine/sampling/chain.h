// Draws tokens: logit bias, then the samplers in their order, then one random draw.
//
// Same options, seed and logits: the same tokens, on every platform (but Mirostat 1, which takes
// powers from the C library). One thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "engine/sampling/options.h"
#include "engine/sampling/sampler.h"

namespace hearth::engine {

class SamplerChain {
 public:
  // kInvalidArgument for a biased token outside the vocabulary.
  static Result<SamplerChain> create(const SamplingOptions& options, SamplerContext context);

  // Adds tokens that were not drawn (the prompt) to what penalties and DRY look back on.
  void accept(std::span<const TokenId> tokens);

  // Draws a token and adds it to the history. `logits`: n_vocab values; used as scratch.
  // kNonFinite: a NaN or +infinity among them, or no token left to draw.
  Result<TokenId> sample(std::span<float> logits);

  // The candidates that the last sample() drew from.
  Candidates& candidates() { return candidates_; }
  uint64_t seed() const { return seed_; }  // the one in use, where the options left it open

 private:
  SamplerChain(uint64_t seed, SamplerContext context);
  const Candidate* draw();

  uint64_t seed_;
  Pcg32 random_;
  SamplerContext context_;
  std::vector<std::pair<TokenId, float>> bias_;
  std::vector<std::unique_ptr<Sampler>> samplers_;
  std::vector<TokenId> history_;
  Candidates candidates_;
};

}  // namespace hearth::engine
