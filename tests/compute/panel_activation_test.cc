#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "base/cpu_features.h"
#include "base/half.h"
#include "compute/activation.h"
#include "compute/cpu/panel/rows.h"

namespace hearth::compute {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

struct Block32 {
  explicit Block32(const std::array<float, 32>& values) {
    quantize_q8x32(values.data(), codes, &scale, &scaled_sum);
  }
  int8_t codes[32];
  float scale, scaled_sum;
};

struct Block256 {
  explicit Block256(const std::array<float, 256>& values) {
    quantize_q8x256(values.data(), codes, &scale, sums);
  }
  int8_t codes[256];
  float scale;
  int16_t sums[16];
};

TEST(Activation, blocks_of_32_take_the_largest_magnitude_to_127) {
  std::array<float, 32> values{};
  values[3] = -2.0f;
  values[4] = 1.0f;
  values[5] = 0.25f;
  const Block32 block(values);
  EXPECT_EQ(block.codes[3], -127);
  EXPECT_EQ(block.codes[4], 64);  // 63.5: to even
  EXPECT_EQ(block.codes[5], 16);  // 15.875
  EXPECT_EQ(block.scale, half_to_float(float_to_half(2.0f / 127.0f)));
  EXPECT_EQ(block.scaled_sum, half_to_float(float_to_half(2.0f / 127.0f * (64 + 16 - 127))));
}

TEST(Activation, rounds_ties_to_even) {
  std::array<float, 32> values{};
  values[0] = 127.0f;
  for (int i = 1; i < 32; ++i) values[static_cast<size_t>(i)] = static_cast<float>(i) - 16.5f;
  const Block32 block(values);
  for (int i = 1; i < 32; ++i) {
    EXPECT_EQ(block.codes[i], std::nearbyint(static_cast<float>(i) - 16.5f)) << i;
  }
}

TEST(Activation, blocks_of_256_take_the_first_extreme_to_minus_127) {
  std::array<float, 256> values{};
  values[10] = 4.0f;
  values[20] = -4.0f;
  values[30] = 1.0f;
  const Block256 block(values);
  EXPECT_EQ(block.codes[10], -127);
  EXPECT_EQ(block.codes[20], 127);
  EXPECT_EQ(block.codes[30], -32);  // -31.75
  EXPECT_EQ(block.scale, 1.0f / (-127.0f / 4.0f));
  EXPECT_EQ(block.sums[0], -127);
  EXPECT_EQ(block.sums[1], 127 - 32);
  EXPECT_EQ(block.sums[2], 0);
}

TEST(Activation, zeros_and_values_too_small_for_a_factor_become_zero) {
  for (const float tiny : {0.0f, -0.0f, 1e-40f, std::numeric_limits<float>::denorm_min()}) {
    std::array<float, 32> small;
    small.fill(tiny);
    const Block32 block(small);
    EXPECT_EQ(block.codes[31], 0);
    EXPECT_EQ(block.scale, 0.0f);
    EXPECT_EQ(block.scaled_sum, 0.0f);
    std::array<float, 256> large;
    large.fill(tiny);
    const Block256 wide(large);
    EXPECT_EQ(wide.codes[255], 0);
    EXPECT_EQ(wide.scale, 0.0f);
    EXPECT_EQ(wide.sums[15], 0);
  }
}

TEST(Activation, a_value_that_is_not_finite_makes_the_scale_nan) {
  for (const float bad : {kNan, kInfinity, -kInfinity}) {
    std::array<float, 32> small;
    small.fill(1.0f);
    small[17] = bad;
    const Block32 block(small);
    EXPECT_TRUE(std::isnan(block.scale));
    EXPECT_TRUE(std::isnan(block.scaled_sum));
    EXPECT_EQ(block.codes[0], 0);
    std::array<float, 256> large;
    large.fill(1.0f);
    large[200] = bad;
    const Block256 wide(large);
    EXPECT_TRUE(std::isnan(wide.scale));
    EXPECT_EQ(wide.codes[0], 0);
    EXPECT_EQ(wide.sums[0], 0);
  }
}

// The arrays of a row that lies with `stride` - 1 others.
struct RowArrays {
  RowArrays(int64_t n_cols, int64_t stride_)
      : stride(stride_),
        codes(static_cast<size_t>(n_cols * stride)),
        scales(codes.size() / 32, -1.0f),
        scaled_sums(codes.size() / 32, -1.0f),
        offsets_8(codes.size() / 32),
        offsets_16(codes.size() / 32),
        offsets_32(codes.size() / 16),
        lane_offsets(codes.size() / 8),
        sums_32(codes.size() / 32) {}
  cpu::QuantizedRow row(int64_t n_blocks) {
    return {n_blocks,
            stride,
            codes.data(),
            scales.data(),
            scaled_sums.data(),
            offsets_8.data(),
            offsets_16.data(),
            offsets_32.data(),
            lane_offsets.data(),
            sums_32.data()};
  }
  int64_t stride;
  std::vector<int8_t> codes;
  std::vector<float> scales, scaled_sums;
  std::vector<int32_t> offsets_8, offsets_16, offsets_32, lane_offsets;
  std::vector<int16_t> sums_32;
};

bool same(const std::vector<float>& a, const std::vector<float>& b) {
  for (size_t i = 0; i < a.size(); ++i) {
    const bool nan = std::isnan(a[i]) && std::isnan(b[i]);
    if (!nan && std::bit_cast<uint32_t>(a[i]) != std::bit_cast<uint32_t>(b[i])) return false;
  }
  return true;
}

void expect_same_arrays(const RowArrays& a, const RowArrays& b, const std::string& what) {
  EXPECT_EQ(a.codes, b.codes) << what;
  EXPECT_TRUE(same(a.scales, b.scales)) << what;
  EXPECT_TRUE(same(a.scaled_sums, b.scaled_sums)) << what;
  EXPECT_EQ(a.offsets_8, b.offsets_8) << what;
  EXPECT_EQ(a.offsets_16, b.offsets_16) << what;
  EXPECT_EQ(a.offsets_32, b.offsets_32) << what;
  EXPECT_EQ(a.lane_offsets, b.lane_offsets) << what;
  EXPECT_EQ(a.sums_32, b.sums_32) << what;
}

// Rows of 1024 values that meet every branch of the rounding.
std::vector<std::vector<float>> rows_of_every_kind() {
  constexpr size_t kCols = 1024;
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<std::vector<float>> rows;
  for (const float magnitude : {1.0f, 1e-3f, 3e4f, 1e30f, 3e38f, 1e-36f, 1e-38f, 1e-42f, 0.0f}) {
    std::vector<float> row(kCols);
    for (float& value : row) value = std::clamp(normal(random), -1.0f, 1.0f) * magnitude;
    rows.push_back(row);
    for (float& value : row) value = random() % 2 == 0 ? magnitude : -magnitude;
    rows.push_back(row);
  }
  std::vector<float> halves(kCols);
  for (float& value : halves) value = static_cast<float>(random() % 255) - 127.5f;
  for (size_t i = 0; i < kCols; i += 32) halves[i] = 127.0f;
  rows.push_back(halves);
  for (const float bad : {kNan, -kNan, kInfinity, -kInfinity}) {
    std::vector<float> row(kCols, 0.5f);
    row[300 + random() % 100] = bad;
    rows.push_back(row);
  }
  return rows;
}

TEST(PanelActivation, rows_of_every_level_are_the_scalar_rows_bit_for_bit) {
  const std::vector<std::vector<float>> rows = rows_of_every_kind();
  for (const IsaLevel level : usable_isa_levels()) {
    for (size_t i = 0; i < rows.size(); ++i) {
      for (const int64_t stride : {1, 5}) {
        for (const auto format : {ActivationFormat::kQ8x32, ActivationFormat::kQ8x256}) {
          const int64_t n_blocks = format == ActivationFormat::kQ8x32 ? 32 : 4;
          RowArrays expected(1024, stride), got(1024, stride);
          cpu::row_quantizer(format, IsaLevel::kScalar)(rows[i].data(), expected.row(n_blocks));
          cpu::row_quantizer(format, level)(rows[i].data(), got.row(n_blocks));
          expect_same_arrays(expected, got,
                             std::string(isa_name(level)) + ", row " + std::to_string(i) +
                                 ", stride " + std::to_string(stride) + ", " +
                                 std::to_string(n_blocks) + " blocks");
        }
      }
    }
  }
}

}  // namespace
}  // namespace hearth::compute
