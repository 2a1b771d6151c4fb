// A recipe and a file's tensors, as the program of one step.
#pragma once

#include <cstdint>
#include <map>

#include "base/result.h"
#include "compute/backend.h"
#include "models/recipe.h"
#include "models/weights.h"

namespace hearth::models {

struct Built {
  compute::Program program;
  std::vector<compute::KvLayer> kv_layers;
  std::map<quant::Type, uint64_t> layer_macs_per_token;  // WeightTotals without the head
};

// n_ctx: positions that the model will be run with. A kLongRope embedding takes the divisors of
// rope_factors_long.weight if n_ctx is beyond its original context, else rope_factors_short.weight.
Result<Built> build_program(const Recipe& recipe, int32_t n_ctx, Weights& weights);

}  // namespace hearth::models
