// Perplexity of a text, window by window, as llama.cpp's llama-perplexity counts it.
//
// The tokens are cut into windows of n_ctx; a last incomplete window is left out. In each window
// the first token is replaced by BOS if the model adds one, and the tokens of the second half are
// scored: position i in [n_ctx / 2, n_ctx - 1) predicts token i + 1. The result is exp(mean of -log
// p).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include "base/result.h"
#include "compute/batch.h"
#include "models/model.h"

namespace hearth::lab {

struct Perplexity {
  double perplexity = 0;
  double stderr_of_perplexity = 0;  // perplexity * standard error of the mean of -log p
  uint64_t n_tokens = 0;            // scored
};

struct PerplexityOptions {
  int32_t n_ctx = 512;         // at least 4, at most the model's n_ctx
  std::optional<int32_t> bos;  // set if the model adds a BOS token
  std::function<bool(uint64_t done, uint64_t total)>
      progress;  // in windows; false stops: kCancelled
};

// tokens: the whole text. kInvalidArgument if they do not fill one window.
Result<Perplexity> measure_perplexity(models::Model& model, std::span<const int32_t> tokens,
                                      const PerplexityOptions& options);

// -log softmax(logits)[token], in double.
double negative_log_likelihood(std::span<const float> logits, int32_t token);

}  // namespace hearth::lab
