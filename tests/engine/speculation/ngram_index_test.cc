#include "engine/speculation/ngram_index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "engine/speculation/lookup.h"

namespace hearth::engine {
namespace {

using Tokens = std::vector<text::TokenId>;

int32_t common_suffix(const Tokens& text, size_t end) {
  int32_t n = 0;
  while (n < NgramIndex::kMostMatched && static_cast<size_t>(n) < end &&
         text[end - 1 - static_cast<size_t>(n)] == text[text.size() - 1 - static_cast<size_t>(n)]) {
    ++n;
  }
  return n;
}

// The definition: by going through the text, for each length.
std::optional<NgramIndex::Match> searched(const Tokens& text) {
  for (size_t i = NgramIndex::kLengths.size(); i-- > 0;) {
    for (size_t end = text.size(); end-- > 1;) {
      const int32_t n = common_suffix(text, end);
      if (n >= NgramIndex::kLengths[i]) return NgramIndex::Match{static_cast<int32_t>(end), n};
    }
  }
  return std::nullopt;
}

// Grows by a token or by a piece of what it said before.
void grow(Tokens& text, uint32_t n_kinds, std::mt19937& random) {
  if (text.empty() || random() % 4 != 0) {
    text.push_back(static_cast<text::TokenId>(random() % n_kinds));
    return;
  }
  const size_t from = random() % text.size();
  const size_t n = std::min<size_t>(1 + random() % 40, text.size() - from);
  for (size_t i = 0; i < n; ++i) text.push_back(text[from + i]);
}

TEST(NgramIndex, finds_what_a_search_of_the_whole_text_finds) {
  std::mt19937 random(1);
  int n_found = 0;
  for (const uint32_t n_kinds : {2u, 5u, 50u, 1000u}) {
    NgramIndex index(1 << 20);  // many more slots than are used: none is lost to another
    Tokens text;
    while (text.size() < 600) {
      grow(text, n_kinds, random);
      const auto found = index.read(text);
      const auto expected = searched(text);
      ASSERT_EQ(found.has_value(), expected.has_value()) << text.size() << " of " << n_kinds;
      if (!found) continue;
      ++n_found;
      EXPECT_EQ(found->next, expected->next) << text.size() << " of " << n_kinds;
      EXPECT_EQ(found->length, expected->length);
    }
  }
  EXPECT_GT(n_found, 200);
}

TEST(NgramIndex, what_a_small_index_finds_is_there) {
  std::mt19937 random(2);
  NgramIndex index(8);
  Tokens text;
  int n_found = 0;
  while (text.size() < 3000) {
    grow(text, 30, random);
    const auto found = index.read(text);
    if (!found) continue;
    ++n_found;
    ASSERT_GE(found->length, 2);
    ASSERT_LT(found->next, static_cast<int32_t>(text.size()));
    EXPECT_EQ(common_suffix(text, static_cast<size_t>(found->next)), found->length);
  }
  EXPECT_GT(n_found, 50);
}

TEST(NgramIndex, cleared_it_knows_nothing_of_the_text_before) {
  NgramIndex index(64);
  ASSERT_TRUE(index.read(Tokens{1, 2, 3, 1, 2}));
  index.clear();
  EXPECT_FALSE(index.read(Tokens{4, 1, 2}));
  EXPECT_TRUE(index.read(Tokens{4, 1, 2, 4, 1}));
}

Tokens guessed(Lookup& lookup, const Tokens& text, size_t most) {
  std::vector<Proposal> proposals;
  while (proposals.size() < most && lookup.propose_next(text, proposals)) {
  }
  Tokens tokens;
  for (const Proposal& proposal : proposals) tokens.push_back(proposal.token);
  return tokens;
}

TEST(Lookup, guesses_what_followed_the_last_tokens) {
  Lookup lookup(64);
  lookup.begin();
  EXPECT_EQ(guessed(lookup, {1, 2, 3, 4, 5, 9, 1, 2}, 3), (Tokens{3, 4, 5}));
  EXPECT_EQ(guessed(lookup, {1, 2, 3, 4, 5, 9, 1, 2, 7}, 3), Tokens{});
}

TEST(Lookup, takes_the_longer_of_two_and_the_later_of_equals) {
  Lookup lookup(64);
  lookup.begin();
  EXPECT_EQ(guessed(lookup, {1, 2, 3, 4, 8, 2, 3, 5, 1, 2, 3}, 1), Tokens{4});
  lookup.begin();
  EXPECT_EQ(guessed(lookup, {2, 3, 4, 8, 2, 3, 5, 1, 2, 3}, 1), Tokens{5});
}

TEST(Lookup, guesses_that_a_period_goes_on) {
  Lookup lookup(64);
  lookup.begin();
  EXPECT_EQ(guessed(lookup, {6, 1, 2, 3, 1, 2, 3, 1, 2}, 5), (Tokens{3, 1, 2, 3, 1}));
  lookup.begin();
  EXPECT_EQ(guessed(lookup, {5, 5, 5}, 4), (Tokens{5, 5, 5, 5}));
}

TEST(Lookup, is_surer_the_longer_the_text_has_repeated_itself) {
  Lookup lookup(256);
  lookup.begin();
  Tokens text;
  for (int i = 0; i < 40; ++i) text.push_back(i);
  for (int i = 0; i < 2; ++i) text.push_back(i);
  std::vector<Proposal> proposals;
  while (proposals.size() < 36 && lookup.propose_next(text, proposals)) {
  }
  ASSERT_EQ(proposals.size(), 36u);
  EXPECT_EQ(proposals.front().sureness, 0);
  EXPECT_EQ(proposals.back().sureness, kSurenesses - 1);
  EXPECT_TRUE(std::ranges::is_sorted(proposals, {}, &Proposal::sureness));
}

}  // namespace
}  // namespace hearth::engine
