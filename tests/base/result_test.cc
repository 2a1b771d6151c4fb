#include "base/result.h"

#include <gtest/gtest.h>

#include <memory>

namespace hearth {
namespace {

Result<int> half(int number) {
  if (number % 2 != 0) return fail(ErrorCode::kInvalidArgument, "odd");
  return number / 2;
}

// Compiled with -Wshadow, as everything is.
Result<int> eighth(int number) { return TRY(half(TRY(half(TRY(half(number)))))); }

Result<std::unique_ptr<int>> boxed(int number) { return std::make_unique<int>(TRY(half(number))); }

Result<int> unboxed(int number) {
  const std::unique_ptr<int> box = TRY(boxed(number));
  return *box;
}

TEST(Try, GivesTheValueOrReturnsTheError) {
  EXPECT_EQ(unboxed(6).value(), 3);
  EXPECT_EQ(unboxed(7).error().message, "odd");
}

TEST(Try, NestsAndReturnsTheErrorOfAnyDepth) {
  EXPECT_EQ(eighth(16).value(), 2);
  for (const int number : {12, 10, 9}) EXPECT_EQ(eighth(number).error().message, "odd") << number;
}

}  // namespace
}  // namespace hearth
