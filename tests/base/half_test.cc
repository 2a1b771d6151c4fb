#include "base/half.h"

#include <gtest/gtest.h>

#include <cmath>

namespace hearth {
namespace {

TEST(Half, every_half_survives_a_round_trip) {
  for (uint32_t h = 0; h < 0x10000; ++h) {
    const float value = half_to_float(static_cast<uint16_t>(h));
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(half_to_float(float_to_half(value))));
    } else {
      ASSERT_EQ(float_to_half(value), h);
    }
  }
}

TEST(Half, rounds_to_nearest_and_ties_to_even) {
  EXPECT_EQ(float_to_half(1.0f + 0x1p-11f), 0x3C00);      // tie, down to even
  EXPECT_EQ(float_to_half(1.0f + 3 * 0x1p-11f), 0x3C02);  // tie, up to even
  EXPECT_EQ(float_to_half(1.0f + 0x1.002p-11f), 0x3C01);  // just above the tie
  EXPECT_EQ(float_to_half(65519.0f), 0x7BFF);             // below the border of infinity
  EXPECT_EQ(float_to_half(65520.0f), 0x7C00);
  EXPECT_EQ(float_to_half(0x1p-25f), 0x0000);  // half of the least subnormal: to even
  EXPECT_EQ(float_to_half(0x1.8p-25f), 0x0001);
  EXPECT_EQ(float_to_half(-0.0f), 0x8000);
}

TEST(Bfloat16, rounds_to_nearest_and_keeps_nan) {
  EXPECT_EQ(float_to_bfloat16(1.0f + 0x1p-8f), 0x3F80);
  EXPECT_EQ(float_to_bfloat16(1.0f + 3 * 0x1p-8f), 0x3F82);
  EXPECT_TRUE(std::isnan(bfloat16_to_float(float_to_bfloat16(std::nanf("")))));
}

}  // namespace
}  // namespace hearth
