#include "quant/iq_grid.h"

#include <gtest/gtest.h>

#include <set>
#include <span>

namespace hearth::quant {
namespace {

TEST(IqGrid, entries_are_distinct_and_use_only_places_that_have_a_value) {
  const std::span<const uint16_t> two_bits[] = {kIq1Grid, kIq2XxsGrid, kIq2XsGrid, kIq2SGrid};
  for (const auto grid : two_bits) {
    EXPECT_EQ(std::set(grid.begin(), grid.end()).size(), grid.size());
    for (const uint16_t entry : grid) EXPECT_EQ(entry & entry >> 1 & 0x5555, 0) << entry;
  }
  const std::span<const uint16_t> three_bits[] = {kIq3XxsGrid, kIq3SGrid};
  for (const auto grid : three_bits) {
    EXPECT_EQ(std::set(grid.begin(), grid.end()).size(), grid.size());
    for (const uint16_t entry : grid) EXPECT_EQ(entry & 0x8888, 0) << entry;
  }
}

TEST(EvenSigns, makes_the_number_of_negative_values_even) {
  for (uint32_t stored = 0; stored < 256; ++stored) {
    const uint8_t signs = even_signs(stored);
    EXPECT_EQ(signs & 127u, stored & 127u);
    EXPECT_EQ(std::popcount(signs) % 2, 0);
  }
}

}  // namespace
}  // namespace hearth::quant
