// What encoding may cost, and what NaN and infinity may not do.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <ostream>
#include <random>
#include <string>
#include <vector>

#include "quant/rounding.h"
#include "quant/type.h"

namespace hearth::quant {
namespace {

constexpr float kHalfStep = 0x1p-11f;      // greatest relative error of rounding to half precision
constexpr float kSlack = 1.0f + 0x1p-20f;  // for the float operations themselves

struct Range {
  float least;
  float greatest;
  float magnitude() const { return std::max(std::fabs(least), std::fabs(greatest)); }
};

struct Bound {
  const char* type;
  float (*error)(float value, Range block);
};

void PrintTo(const Bound& bound, std::ostream* out) { *out << bound.type; }

constexpr Bound kBounds[] = {
    {"F32", [](float, Range) { return 0.0f; }},
    {"F16", [](float value, Range) { return std::fabs(value) * kHalfStep; }},
    {"BF16", [](float value, Range) { return std::fabs(value) * 0x1p-8f; }},
    // A step is magnitude / 8; the far end of the other sign is a whole step away from code 15.
    {"Q4_0", [](float, Range block) { return block.magnitude() * (1.0f / 8 + kHalfStep); }},
    {"Q4_1",
     [](float, Range block) {
       const float span = block.greatest - block.least;
       return span / 30 + span * kHalfStep + std::fabs(block.least) * kHalfStep;
     }},
    {"Q8_0", [](float, Range block) { return block.magnitude() * (0.5f / 127 + kHalfStep); }},
};

std::vector<float> round_trip(const TypeInfo& type, const std::vector<float>& values) {
  const size_t n_blocks = values.size() / type.block_size;
  std::vector<std::byte> blocks(n_blocks * type.block_bytes);
  type.encode(values.data(), n_blocks, blocks.data());
  std::vector<float> decoded(values.size());
  type.decode(blocks.data(), n_blocks, decoded.data());
  return decoded;
}

class EncodeError : public testing::TestWithParam<Bound> {};

TEST_P(EncodeError, stays_within_what_the_step_allows) {
  const TypeInfo& type = *find_type(std::string_view(GetParam().type));
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::uniform_real_distribution<float> exponent(-1.0f, 3.0f);
  std::vector<float> values(2000 * size_t{32});
  for (size_t i = 0; i < values.size(); i += 32) {
    const float scale = std::pow(10.0f, exponent(random));
    const float mean = normal(random) * scale;
    for (size_t k = 0; k < 32; ++k) values[i + k] = mean + normal(random) * scale;
  }
  const std::vector<float> decoded = round_trip(type, values);
  for (size_t i = 0; i < values.size(); ++i) {
    const auto block =
        values.begin() + static_cast<ptrdiff_t>(i / type.block_size * type.block_size);
    const auto [least, greatest] = std::minmax_element(block, block + type.block_size);
    const float bound = GetParam().error(values[i], {*least, *greatest}) * kSlack;
    ASSERT_LE(std::fabs(decoded[i] - values[i]), bound) << "value " << i << ": " << values[i];
  }
}

INSTANTIATE_TEST_SUITE_P(, EncodeError, testing::ValuesIn(kBounds),
                         [](const auto& row) { return std::string(row.param.type); });

TEST(EncodeErrorTable, has_a_bound_for_each_type_that_encodes) {
  for (const TypeInfo& type : all_types()) {
    const bool is_bounded = std::ranges::any_of(
        kBounds, [&](const Bound& bound) { return std::string_view(bound.type) == type.name; });
    EXPECT_EQ(type.encode != nullptr, is_bounded) << type.name;
  }
}

TEST(EncodeNonFinite, spoils_its_own_block_only) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const TypeInfo& type : all_types()) {
    if (type.encode == nullptr) continue;
    const size_t n = type.block_size;
    std::vector<float> values(3 * n);
    for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 37) - 18.0f;
    const std::vector<float> clean = round_trip(type, values);
    for (const float poison : {kInfinity, -kInfinity, std::nanf(""), -std::nanf(""), 3e38f}) {
      for (size_t where = 0; where < n; where += 5) {
        std::vector<float> poisoned = values;
        poisoned[n + where] = poison;
        if (where > 0) poisoned[n] = -poison;
        const std::vector<float> decoded = round_trip(type, poisoned);
        EXPECT_TRUE(
            std::equal(clean.begin(), clean.begin() + static_cast<ptrdiff_t>(n), decoded.begin()))
            << type.name;
        EXPECT_TRUE(std::equal(clean.end() - static_cast<ptrdiff_t>(n), clean.end(),
                               decoded.end() - static_cast<ptrdiff_t>(n)))
            << type.name;
      }
    }
  }
}

TEST(Truncate, goes_towards_zero_and_is_defined_for_every_float) {
  constexpr int32_t kLeast = std::numeric_limits<int32_t>::min();
  EXPECT_EQ(truncate(2.99f), 2);
  EXPECT_EQ(truncate(-2.99f), -2);
  EXPECT_EQ(truncate(0x1.fffffep30f), 0x7FFFFF80);
  EXPECT_EQ(truncate(-0x1p31f), kLeast);
  for (const float beyond :
       {0x1p31f, -0x1.000002p31f, 3e38f, std::nanf(""), std::numeric_limits<float>::infinity(),
        -std::numeric_limits<float>::infinity()}) {
    EXPECT_EQ(truncate(beyond), kLeast) << beyond;
  }
}

}  // namespace
}  // namespace hearth::quant
