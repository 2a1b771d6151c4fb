#include "cli/typed_input.h"

#include <gtest/gtest.h>

#include <initializer_list>

namespace hearth::cli {
namespace {

// Every line but the last leaves the input open.
TypedInput typed(std::initializer_list<const char*> lines) {
  TypedInput input;
  size_t n_left = lines.size();
  for (const char* line : lines) EXPECT_EQ(input.add(line), --n_left == 0) << line;
  return input;
}

TEST(TypedInput, ALineIsAnInput) {
  EXPECT_EQ(typed({"say \"\"\" and stop"}).text(), "say \"\"\" and stop");
  EXPECT_EQ(typed({""}).text(), "");
}

TEST(TypedInput, QuotesJoinLines) {
  EXPECT_EQ(typed({"\"\"\"one", "two", "", "three\"\"\" "}).text(), "one\ntwo\n\nthree");
  EXPECT_EQ(typed({"\"\"\"", "one", "two", "\"\"\""}).text(), "one\ntwo");
  EXPECT_EQ(typed({"\"\"\"one\"\"\""}).text(), "one");
  EXPECT_EQ(typed({"\"\"\"", "\"\"\""}).text(), "");
}

TEST(TypedInput, QuotesWithinALineDoNotCloseABlock) {
  EXPECT_EQ(typed({"\"\"\"a \"\"\" b", "c\"\"\""}).text(), "a \"\"\" b\nc");
}

TEST(TypedInput, ASlashInABlockIsNoCommand) {
  EXPECT_TRUE(typed({"/bye"}).is_command());
  EXPECT_FALSE(typed({"\"\"\"/bye\"\"\""}).is_command());
  EXPECT_FALSE(typed({"\"\"\"", "/bye", "\"\"\""}).is_command());
}

TEST(TypedInput, SetSystemTakesABlock) {
  const TypedInput input = typed({"/set system \"\"\"one", "two\"\"\""});
  EXPECT_TRUE(input.is_command());
  EXPECT_EQ(input.text(), "/set system one\ntwo");
  EXPECT_EQ(typed({"/set system say \"\"\""}).text(), "/set system say \"\"\"");
}

}  // namespace
}  // namespace hearth::cli
