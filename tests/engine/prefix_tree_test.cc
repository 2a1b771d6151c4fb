// The tree against a plain list of what it holds.
#include "engine/prefix_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

namespace hearth::engine {
namespace {

using compute::kKvBlockTokens;
using testing::ElementsAre;
using testing::IsEmpty;
using Tokens = std::vector<text::TokenId>;

// A block for each digit, of nothing but that token.
Tokens spelled(const std::string& kinds) {
  Tokens tokens;
  for (const char kind : kinds) tokens.insert(tokens.end(), kKvBlockTokens, kind - '0');
  return tokens;
}

// What a sequence that has run `tokens` leaves in the tree.
std::vector<int32_t> run(KvBlocks& blocks, PrefixTree& tree, const std::string& tenant,
                         const Tokens& tokens) {
  std::vector<int32_t> table;
  for (size_t i = 0; i < tokens.size() / kKvBlockTokens; ++i) table.push_back(*blocks.allocate());
  const auto kept = tree.insert(tenant, tokens, table);
  for (const int32_t block : table) blocks.release(block);
  return kept;
}

TEST(PrefixTree, finds_the_longest_prefix_of_whole_blocks) {
  KvBlocks blocks(8);
  PrefixTree tree(blocks);
  const auto kept = run(blocks, tree, "a", spelled("123"));
  EXPECT_EQ(tree.find("a", spelled("123")).blocks, kept);
  EXPECT_EQ(tree.find("a", spelled("1239")).blocks, kept);
  EXPECT_THAT(tree.find("a", spelled("129")).blocks, ElementsAre(kept[0], kept[1]));
  Tokens part = spelled("12");
  part.pop_back();
  EXPECT_THAT(tree.find("a", part).blocks, ElementsAre(kept[0]));
  EXPECT_THAT(tree.find("a", spelled("23")).blocks, IsEmpty());
  EXPECT_THAT(tree.find("a", {}).blocks, IsEmpty());
}

TEST(PrefixTree, a_tenant_finds_nothing_of_another) {
  KvBlocks blocks(8);
  PrefixTree tree(blocks);
  run(blocks, tree, "a", spelled("12"));
  EXPECT_THAT(tree.find("b", spelled("12")).blocks, IsEmpty());
  EXPECT_EQ(tree.find("b", spelled("19")).diverged_at, std::nullopt);
  run(blocks, tree, "b", spelled("12"));
  EXPECT_EQ(tree.n_blocks(), 4);
}

TEST(PrefixTree, says_where_a_prompt_parts_from_the_sequence_that_agrees_the_longest) {
  KvBlocks blocks(8);
  PrefixTree tree(blocks);
  run(blocks, tree, "a", spelled("12"));
  run(blocks, tree, "a", spelled("15"));
  const auto diverged_at = [&](const Tokens& tokens) { return tree.find("a", tokens).diverged_at; };
  EXPECT_EQ(diverged_at(spelled("12")), std::nullopt);
  EXPECT_EQ(diverged_at(spelled("123")), std::nullopt);
  EXPECT_EQ(diverged_at({1, 1, 1}), std::nullopt);
  EXPECT_EQ(diverged_at({1, 1, 2}), 2);
  EXPECT_EQ(diverged_at({9}), 0);
  Tokens tokens = spelled("12");
  tokens[40] = 4;
  EXPECT_EQ(diverged_at(tokens), 40);
  tokens = spelled("15");
  tokens[63] = 4;  // comes before the one that agrees
  EXPECT_EQ(diverged_at(tokens), 63);
  tokens[63] = 6;  // comes after it
  EXPECT_EQ(diverged_at(tokens), 63);
}

TEST(PrefixTree, gives_its_own_blocks_for_those_that_hold_the_same) {
  KvBlocks blocks(8);
  PrefixTree tree(blocks);
  const auto first = run(blocks, tree, "a", spelled("12"));
  const auto second = run(blocks, tree, "a", spelled("123"));
  EXPECT_THAT(second, ElementsAre(first[0], first[1], second[2]));
  EXPECT_EQ(tree.n_blocks(), 3);
  EXPECT_EQ(blocks.n_free(), 5);
}

TEST(PrefixTree, evicts_what_was_not_used_for_longest_and_the_ends_of_sequences_first) {
  KvBlocks blocks(8);
  PrefixTree tree(blocks);
  run(blocks, tree, "a", spelled("12"));
  run(blocks, tree, "a", spelled("34"));
  tree.find("a", spelled("12"));
  EXPECT_EQ(tree.evict(1), 1);
  EXPECT_EQ(tree.find("a", spelled("34")).blocks.size(), 1u);
  tree.find("a", spelled("12"));
  EXPECT_EQ(tree.evict(2), 2);
  EXPECT_EQ(tree.find("a", spelled("12")).blocks.size(), 1u);
  EXPECT_EQ(tree.evict(9), 1);
  EXPECT_EQ(blocks.n_free(), 8);
  tree.check_integrity();
}

TEST(PrefixTree, evicts_nothing_that_a_sequence_uses) {
  KvBlocks blocks(8);
  PrefixTree tree(blocks);
  const auto kept = run(blocks, tree, "a", spelled("123"));
  blocks.retain(kept[0]);
  blocks.retain(kept[1]);
  EXPECT_EQ(tree.n_evictable(), 1);
  EXPECT_EQ(tree.evict(9), 1);
  EXPECT_EQ(tree.evict(9), 0);
  blocks.release(kept[0]);
  blocks.release(kept[1]);
  EXPECT_EQ(tree.evict(9), 2);
}

TEST(PrefixTree, gives_its_blocks_back_when_it_ends) {
  KvBlocks blocks(8);
  {
    PrefixTree tree(blocks);
    run(blocks, tree, "a", spelled("123"));
    EXPECT_EQ(blocks.n_free(), 5);
  }
  EXPECT_EQ(blocks.n_free(), 8);
}

// The prefixes that the tree holds, the least recently used first.
class PlainTree {
 public:
  size_t find(const std::string& tenant, const std::string& text) {
    size_t n = 0;
    while (n < text.size() && has(tenant + text.substr(0, n + 1))) ++n;
    insert(tenant, text.substr(0, n));
    return n;
  }
  void insert(const std::string& tenant, const std::string& text) {
    for (size_t n = text.size(); n > 0; --n) {
      std::erase(prefixes_, tenant + text.substr(0, n));
      prefixes_.push_back(tenant + text.substr(0, n));
    }
  }
  void evict() {
    prefixes_.erase(std::ranges::find_if(prefixes_, [&](const std::string& prefix) {
      return std::ranges::none_of(prefixes_, [&](const std::string& other) {
        return other.size() > prefix.size() && other.starts_with(prefix);
      });
    }));
  }
  size_t size() const { return prefixes_.size(); }

 private:
  bool has(const std::string& prefix) const {
    return std::ranges::find(prefixes_, prefix) != prefixes_.end();
  }
  std::vector<std::string> prefixes_;  // each after its tenant, of one letter
};

TEST(PrefixTree, holds_what_a_plain_list_of_prefixes_holds) {
  constexpr int32_t kBlocks = 24;
  KvBlocks blocks(kBlocks);
  PrefixTree tree(blocks);
  PlainTree plain;
  std::mt19937 random(1);
  for (int action = 0; action < 5000; ++action) {
    SCOPED_TRACE(action);
    const std::string tenant(1, static_cast<char>('a' + random() % 2));
    std::string text;
    for (size_t n = random() % 6; n > 0; --n) text += static_cast<char>('0' + random() % 3);
    if (random() % 2 == 0) {
      ASSERT_EQ(tree.find(tenant, spelled(text)).blocks.size(), plain.find(tenant, text));
    } else {
      while (blocks.n_free() < static_cast<int32_t>(text.size())) {
        ASSERT_EQ(tree.evict(1), 1);
        plain.evict();
      }
      run(blocks, tree, tenant, spelled(text));
      plain.insert(tenant, text);
    }
    ASSERT_EQ(static_cast<size_t>(tree.n_blocks()), plain.size());
    ASSERT_EQ(blocks.n_free(), kBlocks - tree.n_blocks());
    ASSERT_EQ(tree.n_evictable(), tree.n_blocks());
    blocks.check_integrity();
    tree.check_integrity();
  }
}

}  // namespace
}  // namespace hearth::engine
