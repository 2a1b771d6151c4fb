// What nearly every family's keys say alike; a family reads this and changes what differs.
#pragma once

#include "base/result.h"
#include "models/hyper_parameters.h"
#include "models/recipe.h"

namespace hearth::models {

// Sizes, heads, one rotary embedding with its scaling (halves paired), attention over all positions
// scaled by 1/sqrt(head_dim), gated SiLU MLPs. `epsilon` is the key of the norms' epsilon.
Result<Recipe> read_decoder(const HyperParameters& keys, Key epsilon = Key::kRmsEpsilon);

// Sets the window of the layers that have one: attention.sliding_window (absent: `fallback`; 0:
// none), and which by attention.sliding_window_pattern, a flag a layer or a period: with period n
// every n-th layer sees everything. Absent: `period`, where 0 gives every layer the window.
Result<void> read_windows(const HyperParameters& keys, Recipe& recipe, int32_t fallback,
                          int32_t period);

// Turns every layer's MLP into experts if expert_count is above 0. n_ff is
// expert_feed_forward_length, or feed_forward_length without it.
Result<void> read_experts(const HyperParameters& keys, Recipe& recipe);

}  // namespace hearth::models
