#include "cli/generation_flags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace hearth::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Result<engine::GenerateOptions> parsed(std::vector<std::string> arguments) {
  CLI::App app;
  GenerationFlags flags;
  flags.add_to(app);
  std::reverse(arguments.begin(), arguments.end());
  app.parse(arguments);
  return flags.options();
}

TEST(GenerationFlags, ReachTheOptions) {
  const auto options = parsed({"--temp", "0", "--top-k", "7", "--seed", "42", "-n", "5", "--stop",
                               "a", "--stop", "b", "--logit-bias", "3=-inf", "--ignore-eos"});
  ASSERT_TRUE(options) << options.error().message;
  EXPECT_EQ(options->sampling.number("temperature"), 0);
  EXPECT_EQ(options->sampling.integer("top_k"), 7);
  EXPECT_EQ(options->sampling.integer("seed"), 42);
  EXPECT_EQ(options->n_predict, 5);
  EXPECT_THAT(options->stops, ElementsAre("a", "b"));
  EXPECT_EQ(options->sampling.logit_bias().count(3), 1u);
  EXPECT_TRUE(options->ignores_end);
}

TEST(GenerationFlags, SpeculateUnlessTold) {
  EXPECT_EQ(parsed({})->speculation, engine::Speculation::kAuto);
  EXPECT_EQ(parsed({"--speculate", "auto"})->speculation, engine::Speculation::kAuto);
  EXPECT_EQ(parsed({"--speculate", "off"})->speculation, engine::Speculation::kOff);
}

TEST(GenerationFlags, ABadValueNamesItsRange) {
  const auto options = parsed({"--top-p", "1.5"});
  ASSERT_FALSE(options);
  EXPECT_THAT(options.error().message, HasSubstr("top_p: 1.5 is out of range [0, 1]"));
  EXPECT_FALSE(parsed({"--logit-bias", "3"}));
}

TEST(SetParameter, SetsWhatParametersTextShows) {
  engine::GenerateOptions options;
  ASSERT_TRUE(set_parameter(options, "top_k", "11"));
  ASSERT_TRUE(set_parameter(options, "num_predict", "12"));
  ASSERT_TRUE(set_parameter(options, "stop", "x;y"));
  const std::string text = parameters_text(options);
  EXPECT_THAT(text, HasSubstr("top_k                  \"11\"\n"));
  EXPECT_THAT(text, HasSubstr("num_predict            12\n"));
  EXPECT_THAT(options.stops, ElementsAre("x", "y"));
  EXPECT_FALSE(set_parameter(options, "num_predict", "-2"));
  EXPECT_FALSE(set_parameter(options, "no_such", "1"));
}

}  // namespace
}  // namespace hearth::cli
