#include "lab/statistics.h"

#include <gtest/gtest.h>

namespace hearth::lab {
namespace {

TEST(Statistics, median_quartiles_and_ends_of_an_odd_number_in_any_order) {
  const Summary summary = summarize(std::vector<double>{5, 1, 4, 2, 3});
  EXPECT_EQ(summary.median, 3);
  EXPECT_EQ(summary.least, 1);
  EXPECT_EQ(summary.most, 5);
  EXPECT_EQ(summary.low_quartile, 2);
  EXPECT_EQ(summary.high_quartile, 4);
  EXPECT_DOUBLE_EQ(summary.spread(), 4.0 / 3);
}

TEST(Statistics, between_two_samples_is_linear) {
  const Summary summary = summarize(std::vector<double>{1, 2, 3, 10});
  EXPECT_DOUBLE_EQ(summary.median, 2.5);
  EXPECT_DOUBLE_EQ(summary.low_quartile, 1.75);
  EXPECT_DOUBLE_EQ(summary.high_quartile, 4.75);
}

TEST(Statistics, one_sample_is_all_there_is) {
  const Summary summary = summarize(std::vector<double>{7});
  EXPECT_EQ(summary.median, 7);
  EXPECT_EQ(summary.high_quartile, 7);
  EXPECT_EQ(summary.spread(), 0);
}

}  // namespace
}  // namespace hearth::lab
