#include "engine/stop_matcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace hearth::engine {
namespace {

using testing::HasSubstr;

struct Outcome {
  std::string text;
  int stop = -1;
};

// The definition: the stop string that is complete first, the longest of those; text before it.
Outcome define(const std::string& text, const std::vector<std::string>& stops) {
  for (size_t end = 1; end <= text.size(); ++end) {
    int best = -1;
    for (size_t i = 0; i < stops.size(); ++i) {
      if (!std::string_view(text).substr(0, end).ends_with(stops[i])) continue;
      if (best < 0 || stops[i].size() > stops[static_cast<size_t>(best)].size()) {
        best = static_cast<int>(i);
      }
    }
    if (best >= 0) return {text.substr(0, end - stops[static_cast<size_t>(best)].size()), best};
  }
  return {text, -1};
}

std::string random_text(std::mt19937& random, size_t least, size_t most) {
  std::string text(least + random() % (most - least + 1), 'a');
  for (char& c : text) c = static_cast<char>('a' + random() % 3);
  return text;
}

TEST(StopMatcher, agrees_with_the_definition_however_the_text_is_split) {
  std::mt19937 random(99);
  int n_matched = 0;
  for (int round = 0; round < 20000; ++round) {
    std::vector<std::string> stops(random() % 4);
    for (std::string& stop : stops) stop = random_text(random, 1, 7);
    const std::string text = random_text(random, 0, 30);
    const Outcome wanted = define(text, stops);
    auto matcher = StopMatcher::create(stops);
    ASSERT_TRUE(matcher);
    std::string out;
    bool is_stopped = false;
    for (size_t at = 0; at < text.size();) {
      const size_t n = std::min<size_t>(text.size() - at, random() % 5);
      is_stopped = matcher->feed(std::string_view(text).substr(at, n), out);
      at += n;
      ASSERT_TRUE(wanted.text.starts_with(out)) << "emitted too much: " << out;
    }
    matcher->finish(out);
    ASSERT_EQ(out, wanted.text);
    ASSERT_EQ(is_stopped, wanted.stop >= 0);
    ASSERT_EQ(matcher->matched().has_value(), wanted.stop >= 0);
    if (wanted.stop >= 0) {
      ++n_matched;
      ASSERT_EQ(stops[*matcher->matched()], stops[static_cast<size_t>(wanted.stop)]);
    }
  }
  EXPECT_GT(n_matched, 5000);
}

TEST(StopMatcher, holds_back_no_more_than_a_possible_beginning) {
  auto matcher = StopMatcher::create({"<end>"});
  ASSERT_TRUE(matcher);
  std::string out;
  EXPECT_FALSE(matcher->feed("hello <e", out));
  EXPECT_EQ(out, "hello ");
  EXPECT_FALSE(matcher->feed("m", out));
  EXPECT_EQ(out, "hello <em");
  EXPECT_TRUE(matcher->feed("<end>", out));
  EXPECT_TRUE(matcher->feed("more", out));
  matcher->finish(out);
  EXPECT_EQ(out, "hello <em");
}

TEST(StopMatcher, an_empty_stop_string_is_refused) {
  EXPECT_THAT(StopMatcher::create({"a", ""}).error().message, HasSubstr("empty"));
  EXPECT_EQ(StopMatcher::create({"a", ""}).error().code, ErrorCode::kInvalidArgument);
}

TEST(StopMatcher, too_many_or_too_long_are_refused) {
  EXPECT_FALSE(StopMatcher::create(std::vector<std::string>(65, "x")));
  EXPECT_FALSE(StopMatcher::create({std::string(70000, 'x')}));
}

TEST(StopMatcher, work_is_linear_in_text_that_almost_matches) {
  auto matcher = StopMatcher::create({std::string(60000, 'a') + "b"});
  ASSERT_TRUE(matcher);
  std::string out;
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(matcher->feed(std::string(1000, 'a'), out));
  EXPECT_EQ(out.size(), 1000000u - 60000u);
}

}  // namespace
}  // namespace hearth::engine
