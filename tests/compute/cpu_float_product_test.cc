// Products of float weights against double sums, and the promise about their bits.
#include "compute/cpu/float_product.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>
#include <tuple>
#include <vector>

namespace hearth::compute::cpu {
namespace {

using quant::Type;

using Case = std::tuple<IsaLevel, Type>;

class CpuFloatProduct : public testing::TestWithParam<Case> {};

std::string name_of(const testing::TestParamInfo<Case>& info) {
  const auto [level, type] = info.param;
  return std::string(isa_name(level)) + "_" + quant::type_info(type).name;
}

INSTANTIATE_TEST_SUITE_P(Kernels, CpuFloatProduct,
                         testing::Combine(testing::ValuesIn(usable_isa_levels()),
                                          testing::Values(Type::kF32, Type::kF16, Type::kBF16)),
                         name_of);

std::vector<float> random_values(size_t n, std::mt19937& random) {
  std::normal_distribution<float> normal;
  std::vector<float> values(n);
  for (float& value : values) value = normal(random);
  return values;
}

TEST_P(CpuFloatProduct, matches_double_sums_and_does_not_depend_on_the_cut) {
  const auto [level, type] = GetParam();
  const quant::TypeInfo& info = quant::type_info(type);
  const FloatProductKernel multiply = float_product(level, type);
  ASSERT_NE(multiply, nullptr);
  std::mt19937 random(7);
  for (const int64_t n_cols : {1, 7, 8, 15, 64, 203}) {
    constexpr int64_t kWeightRows = 7, kRows = 8, kStride = 9;
    const size_t n_weights = static_cast<size_t>(kWeightRows * n_cols);
    std::vector<std::byte> encoded(n_weights * info.block_bytes);
    info.encode(random_values(n_weights, random).data(), n_weights, encoded.data());
    std::vector<float> weights(n_weights);
    info.decode(encoded.data(), n_weights, weights.data());
    const int64_t x_stride = n_cols + 3;
    const std::vector<float> x = random_values(static_cast<size_t>(kRows * x_stride), random);
    std::vector<float> whole(kRows * kStride, -1.0f), single = whole;
    multiply({.weights = encoded.data(),
              .n_weight_rows = kWeightRows,
              .n_cols = n_cols,
              .x = x.data(),
              .n_rows = kRows,
              .x_stride = x_stride,
              .out = whole.data(),
              .out_stride = kStride});
    for (int64_t r = 0; r < kRows; ++r) {
      for (int64_t w = 0; w < kWeightRows; ++w) {
        double sum = 0, size = 0;
        for (int64_t c = 0; c < n_cols; ++c) {
          const double term = double{weights[static_cast<size_t>(w * n_cols + c)]} *
                              x[static_cast<size_t>(r * x_stride + c)];
          sum += term;
          size += std::abs(term);
        }
        // Each of n_cols / 8 additions of a lane, and the 3 of the lanes, rounds by 2^-24 of at
        // most the sum of magnitudes.
        const double bound = size * 0x1p-24 * static_cast<double>(n_cols / 8 + 5);
        ASSERT_NEAR(whole[static_cast<size_t>(r * kStride + w)], sum, bound)
            << n_cols << " columns, row " << r << ", weight row " << w;
        multiply({.weights = encoded.data() + w * n_cols * info.block_bytes,
                  .n_weight_rows = 1,
                  .n_cols = n_cols,
                  .x = x.data() + r * x_stride,
                  .n_rows = 1,
                  .x_stride = x_stride,
                  .out = single.data() + r * kStride + w,
                  .out_stride = kStride});
      }
    }
    EXPECT_EQ(std::memcmp(whole.data(), single.data(), whole.size() * sizeof(float)), 0);
  }
}

}  // namespace
}  // namespace hearth::compute::cpu
