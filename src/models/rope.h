// Inverse frequencies of a rotary embedding under each kind of context scaling.
#pragma once

#include <span>

#include "compute/program.h"
#include "models/recipe.h"

namespace hearth::models {

// factors: divisors of the frequencies [n_dims / 2], or empty. Frequencies are
//   kNone, kLongRope: base^(-2i / n_dims) / factors[i]
//   kLinear: that divided by `factor`
//   kYarn (arXiv 2309.00071): between the two, by how often pair i rotates over the original
//     context: more than beta_fast times, unscaled; fewer than beta_slow times, divided.
compute::Rope make_rope(const RopeRecipe& recipe, std::span<const float> factors);

// YaRN's magnitude for a context `factor` times the original: 1 + 0.1 weight ln(factor).
float yarn_magnitude(float factor, float weight = 1.0f);

}  // namespace hearth::models
