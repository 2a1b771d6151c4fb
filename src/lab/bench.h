// Prompt and generation speed of a loaded model.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/result.h"
#include "lab/statistics.h"
#include "models/model.h"

namespace hearth::lab {

struct BenchOptions {
  int32_t n_prompt = 512;
  int32_t n_generate = 64;
  int32_t depth = 0;  // tokens already in the cache before either is timed
  int32_t n_repeats = 5;
  std::function<bool(uint64_t done, uint64_t total)> progress;  // in repeats; false stops
};

// Rates of one repeat; 0 for a part that was not asked for.
struct BenchSample {
  double prompt_tokens_per_s = 0;
  double generation_tokens_per_s = 0;
};

struct BenchResult {
  Summary prompt_tokens_per_s;
  Summary generation_tokens_per_s;
  std::vector<BenchSample> samples;
  // Weight and KV bytes that generation reads for a token on average, for bandwidth figures.
  double generation_bytes_per_token = 0;
};

// One untimed repeat, then n_repeats. Tokens are arbitrary but fixed; each generated token is a
// step of one row with its logits. kContextExceeded with the numbers if depth and tokens do not
// fit.
Result<BenchResult> run_bench(models::Model& model, const BenchOptions& options);

}  // namespace hearth::lab
