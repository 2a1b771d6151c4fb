#include "text/word_merger.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace hearth::text {
namespace {

using Rule = std::map<std::pair<TokenId, TokenId>, Merge>;

Merge find(const Rule& rule, TokenId left, TokenId right) {
  const auto at = rule.find({left, right});
  return at == rule.end() ? kNoMerge : at->second;
}

// The definition: look at every pair, merge the first of the least priority, start again.
std::vector<TokenId> merge_plainly(const Rule& rule, std::vector<TokenId> ids) {
  while (true) {
    Merge best = kNoMerge;
    size_t at = 0;
    for (size_t i = 0; i + 1 < ids.size(); ++i) {
      const Merge merge = find(rule, ids[i], ids[i + 1]);
      if (merge.id == kNoToken || merge.priority >= best.priority) continue;
      best = merge;
      at = i;
    }
    if (best.id == kNoToken) return ids;
    ids[at] = best.id;
    ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(at) + 1);
  }
}

// Priorities in no order and many of them equal, as no trained vocabulary has them.
TEST(WordMerger, merges_as_its_definition_whatever_the_priorities) {
  std::mt19937 random(17);
  WordMerger merger;
  for (int round = 0; round < 600; ++round) {
    Rule rule;
    const uint32_t n_priorities = 1 + random() % 40;
    for (int i = 0; i < 60; ++i) {
      const auto left = static_cast<TokenId>(random() % 12);
      const auto right = static_cast<TokenId>(random() % 12);
      rule[{left, right}] = {static_cast<uint32_t>(random() % n_priorities),
                             static_cast<TokenId>(random() % 12)};
    }
    std::vector<TokenId> ids(random() % 400);
    std::vector<Symbol> symbols;
    for (TokenId& id : ids) {
      id = static_cast<TokenId>(random() % 4);
      symbols.push_back({static_cast<uint32_t>(symbols.size()), 1, id});
    }
    merger.merge(symbols, [&rule](const Symbol& left, const Symbol& right) {
      return find(rule, left.id, right.id);
    });
    std::vector<TokenId> merged;
    uint32_t end = 0;
    for (const Symbol& symbol : symbols) {
      ASSERT_EQ(symbol.begin, end);
      end += symbol.n_bytes;
      merged.push_back(symbol.id);
    }
    ASSERT_EQ(end, ids.size());
    ASSERT_EQ(merged, merge_plainly(rule, ids)) << "round " << round;
  }
}

}  // namespace
}  // namespace hearth::text
