// Row arithmetic of every instruction set against the same in double.
#include "compute/cpu/row_math.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "compute/reference/functions.h"

namespace hearth::compute::cpu {
namespace {

class CpuRowMath : public testing::TestWithParam<IsaLevel> {
 protected:
  const RowMath& math() const { return row_math(GetParam()); }
  std::vector<float> random(size_t n, float deviation = 1) {
    std::normal_distribution<float> normal(0, deviation);
    std::vector<float> values(n);
    for (float& value : values) value = normal(random_);
    return values;
  }

 private:
  std::mt19937 random_{3};
};

INSTANTIATE_TEST_SUITE_P(Levels, CpuRowMath, testing::ValuesIn(usable_isa_levels()),
                         [](const auto& level) { return std::string(isa_name(level.param)); });

constexpr Activation kActivations[] = {Activation::kIdentity, Activation::kSilu,
                                       Activation::kGelu,     Activation::kGeluTanh,
                                       Activation::kRelu,     Activation::kReluSquared};

TEST_P(CpuRowMath, activations_are_within_a_millionth_over_their_whole_range) {
  for (const Activation activation : kActivations) {
    std::vector<float> x;
    for (int i = -120000; i <= 120000; i += 7) x.push_back(static_cast<float>(i) / 1000);
    std::vector<float> y = x;
    math().activate(y.data(), static_cast<int64_t>(y.size()), activation);
    for (size_t i = 0; i < x.size(); ++i) {
      const double expected = reference::activate(activation, x[i]);
      ASSERT_NEAR(y[i], expected, 1e-6 + 2.5e-7 * std::abs(expected))
          << "activation " << static_cast<int>(activation) << " of " << x[i];
    }
  }
}

TEST_P(CpuRowMath, an_element_has_the_same_bits_wherever_the_row_is_cut) {
  const std::vector<float> gate = random(67, 3), up = random(67, 3);
  for (const Activation activation : kActivations) {
    std::vector<float> whole(67), pieces(67);
    math().gate(gate.data(), up.data(), 67, activation, whole.data());
    for (int64_t begin = 0; begin < 67; begin += 5) {
      const int64_t n = std::min<int64_t>(5, 67 - begin);
      math().gate(gate.data() + begin, up.data() + begin, n, activation, pieces.data() + begin);
    }
    EXPECT_EQ(std::memcmp(whole.data(), pieces.data(), 67 * sizeof(float)), 0);
  }
  std::vector<float> whole = gate, pieces = gate;
  math().softcap(whole.data(), 2.5f, 67);
  for (int64_t begin = 0; begin < 67; begin += 3)
    math().softcap(pieces.data() + begin, 2.5f, std::min<int64_t>(3, 67 - begin));
  EXPECT_EQ(std::memcmp(whole.data(), pieces.data(), 67 * sizeof(float)), 0);
}

TEST_P(CpuRowMath, writes_nothing_beyond_the_row) {
  for (int64_t n = 0; n < 20; ++n) {
    std::vector<float> x = random(32), before = x;
    math().activate(x.data(), n, Activation::kSilu);
    math().add_scaled(x.data(), before.data(), 0.5f, n);
    math().scale(x.data(), 2, n);
    const auto rest = static_cast<size_t>(n);
    EXPECT_EQ(std::memcmp(x.data() + rest, before.data() + rest, (32 - rest) * sizeof(float)), 0);
  }
}

TEST_P(CpuRowMath, norms_match_the_definition_for_every_length) {
  for (size_t n = 1; n < 70; ++n) {
    for (const bool is_layer : {false, true}) {
      const std::vector<float> x = random(n, 2), weight = random(n), bias = random(n);
      std::vector<float> expected = x, found(n);
      reference::normalize(is_layer ? NormKind::kLayer : NormKind::kRms, 1e-5f, weight,
                           is_layer ? std::span<const float>(bias) : std::span<const float>(),
                           expected);
      (is_layer ? math().layer_norm : math().rms_norm)({.x = x.data(),
                                                        .n = static_cast<int64_t>(n),
                                                        .weight = weight.data(),
                                                        .bias = is_layer ? bias.data() : nullptr,
                                                        .epsilon = 1e-5f,
                                                        .out = found.data()});
      for (size_t i = 0; i < n; ++i)
        ASSERT_NEAR(found[i], expected[i], 2e-6 * (1 + std::abs(expected[i]))) << n;
    }
  }
}

TEST_P(CpuRowMath, rotations_match_the_definition_for_every_number_of_pairs) {
  for (size_t n_pairs = 1; n_pairs < 20; ++n_pairs) {
    for (const bool is_neox : {false, true}) {
      Rope rope{.is_neox = is_neox, .inverse_frequency = {}, .magnitude = 1.2f};
      std::vector<float> cosine, sine;
      for (size_t i = 0; i < n_pairs; ++i) {
        rope.inverse_frequency.push_back(1.0f / static_cast<float>(i + 1));
        const float angle = 5.0f * rope.inverse_frequency.back();
        cosine.push_back(std::cos(angle) * rope.magnitude);
        sine.push_back(std::sin(angle) * rope.magnitude);
      }
      std::vector<float> expected = random(2 * n_pairs + 3), found = expected;
      reference::rotate(rope, 5, expected);
      (is_neox ? math().rotate_halves : math().rotate_neighbours)(
          found.data(), cosine.data(), sine.data(), static_cast<int64_t>(n_pairs));
      for (size_t i = 0; i < found.size(); ++i) ASSERT_NEAR(found[i], expected[i], 2e-6) << n_pairs;
    }
  }
}

TEST_P(CpuRowMath, sees_a_value_that_is_not_finite_in_every_place) {
  for (size_t n = 1; n < 20; ++n) {
    std::vector<float> x = random(n);
    x[0] = std::numeric_limits<float>::max();
    EXPECT_TRUE(math().all_finite(x.data(), static_cast<int64_t>(n)));
    for (size_t i = 0; i < n; ++i) {
      for (const float bad :
           {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
        std::vector<float> broken = x;
        broken[i] = bad;
        EXPECT_FALSE(math().all_finite(broken.data(), static_cast<int64_t>(n)));
      }
    }
  }
}

TEST_P(CpuRowMath, keeps_a_nan) {
  for (const Activation activation : kActivations) {
    float x = std::numeric_limits<float>::quiet_NaN();
    math().activate(&x, 1, activation);
    EXPECT_TRUE(std::isnan(x)) << static_cast<int>(activation);
  }
  float x = std::numeric_limits<float>::quiet_NaN();
  math().softcap(&x, 3, 1);
  EXPECT_TRUE(std::isnan(x));
}

}  // namespace
}  // namespace hearth::compute::cpu
