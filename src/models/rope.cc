#include "models/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/check.h"

namespace hearth::models {
namespace {

// The pair that rotates `n_rotations` times over the original context, as a real number.
double pair_of_rotations(const RopeRecipe& recipe, double n_rotations) {
  return recipe.n_dims * std::log(recipe.original_context / (n_rotations * 2 * std::numbers::pi)) /
         (2 * std::log(static_cast<double>(recipe.base)));
}

struct Ramp {
  double low, high;
  // 1 for pairs that keep their frequency, 0 for those that are scaled.
  double unscaled_share(int pair) const {
    return 1 - std::clamp((pair - low) / std::max(0.001, high - low), 0.0, 1.0);
  }
};

Ramp yarn_ramp(const RopeRecipe& recipe) {
  return {std::max(0.0, std::floor(pair_of_rotations(recipe, recipe.beta_fast))),
          std::min(recipe.n_dims - 1.0, std::ceil(pair_of_rotations(recipe, recipe.beta_slow)))};
}

}  // namespace

float yarn_magnitude(float factor, float weight) {
  return factor <= 1 ? 1.0f : 1.0f + 0.1f * weight * std::log(factor);
}

std::vector<float> llama3_divisors(const Llama3Scaling& scaling, double base, int32_t n_dims) {
  std::vector<float> divisors;
  for (int i = 0; i < n_dims / 2; ++i) {
    const double wavelength = 2 * std::numbers::pi * std::pow(base, 2.0 * i / n_dims);
    const double n_waves = scaling.original_context / wavelength;
    const double range = scaling.high_freq_factor - scaling.low_freq_factor;
    const double share = std::clamp((n_waves - scaling.low_freq_factor) / range, 0.0, 1.0);
    divisors.push_back(static_cast<float>(1 / ((1 - share) / scaling.factor + share)));
  }
  return divisors;
}

compute::Rope make_rope(const RopeRecipe& recipe, std::span<const float> factors) {
  const int n_pairs = recipe.n_dims / 2;
  CHECK(factors.empty() || factors.size() == static_cast<size_t>(n_pairs));
  compute::Rope rope{recipe.is_neox, {}, recipe.magnitude};
  const bool is_yarn = recipe.scaling == RopeScaling::kYarn;
  const Ramp ramp = is_yarn ? yarn_ramp(recipe) : Ramp{0, 0};
  for (int i = 0; i < n_pairs; ++i) {
    double frequency =
        std::pow(static_cast<double>(recipe.base), -2.0 * i / static_cast<double>(recipe.n_dims));
    if (!factors.empty()) frequency /= factors[static_cast<size_t>(i)];
    if (recipe.scaling == RopeScaling::kLinear) frequency /= recipe.factor;
    if (is_yarn) {
      const double unscaled = ramp.unscaled_share(i) * recipe.extrapolation;
      frequency *= unscaled + (1 - unscaled) / recipe.factor;
    }
    rope.inverse_frequency.push_back(static_cast<float>(frequency));
  }
  return rope;
}

}  // namespace hearth::models
