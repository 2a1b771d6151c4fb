#include "cli/shown_text.h"

#include <gtest/gtest.h>

namespace hearth::cli {
namespace {

TEST(ShownText, NoByteDrivesTheTerminal) {
  EXPECT_EQ(shown_text("\x1B[2J\x07\r\x7F"), "\uFFFD[2J\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(shown_text("\xC2\x9B"), "\uFFFD");  // C1: the one-byte form of ESC [
}

TEST(ShownText, TextStaysAsItIs) {
  EXPECT_EQ(shown_text("a\tb\nc \u00E9\u20AC\U0001F525"), "a\tb\nc \u00E9\u20AC\U0001F525");
}

}  // namespace
}  // namespace hearth::cli
