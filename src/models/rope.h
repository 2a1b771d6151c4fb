// Inverse frequencies of a rotary embedding under each kind of context scaling.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "compute/program.h"
#include "models/recipe.h"

namespace hearth::models {

// factors: divisors of the frequencies [n_dims / 2], or empty. Frequencies are
//   kNone, kLongRope: base^(-2i / n_dims) / factors[i]
//   kLinear: that divided by `factor`
//   kYarn (arXiv 2309.00071): between the two, by how often pair i rotates over the original
//     context: more than beta_fast times, unscaled; fewer than beta_slow times, divided.
compute::Rope make_rope(const RopeRecipe& recipe, std::span<const float> factors);

// How Llama 3.1 and later stretch their context.
struct Llama3Scaling {
  double factor, low_freq_factor, high_freq_factor;
  double original_context;
};

// Divisors of the frequencies [n_dims / 2]: 1 for wavelengths that fit the original context
// high_freq_factor times, `factor` for those that fit it fewer than low_freq_factor times, and a
// blend between.
std::vector<float> llama3_divisors(const Llama3Scaling& scaling, double base, int32_t n_dims);

// YaRN's magnitude for a context `factor` times the original: 1 + 0.1 weight ln(factor).
float yarn_magnitude(float factor, float weight = 1.0f);

}  // namespace hearth::models
