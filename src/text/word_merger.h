// Byte-pair merging of one word: of all neighbouring pairs that may merge, the one of lowest
// priority merges, the leftmost among equals, until none is left. n log n in the number of symbols.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "text/vocabulary.h"

namespace hearth::text {

struct Symbol {
  uint32_t begin;  // bytes of the text that it covers
  uint32_t n_bytes;
  TokenId id;  // kNoToken: in no vocabulary, yet may be part of a merge if the rule says so
};

struct Merge {
  uint32_t priority;  // lower goes first
  TokenId id;         // the token that the pair becomes
};

inline constexpr Merge kNoMerge = {std::numeric_limits<uint32_t>::max(), kNoToken};

// Pairs waiting to merge, least priority first, then leftmost. Long words repeat few priorities, so
// pairs wait in one list a priority, nearly always in order already; a heap orders the lists.
class PairQueue {
 public:
  struct Pair {
    uint32_t priority;
    uint32_t at;  // index of the left symbol
  };

  void clear();
  void push(Pair pair);
  std::optional<Pair> pop();

 private:
  struct List {
    uint32_t priority;
    bool is_waiting = false;  // is in order_
    bool is_sorted = true;
    size_t n_taken = 0;  // of `places`; once it is not 0, `places` only grows in order
    std::vector<uint32_t> places;
    std::vector<uint32_t> late;  // a heap, least first: pushed out of order after that
  };
  struct Slot {
    uint32_t priority;
    uint32_t list = kEmpty;
  };
  static constexpr uint32_t kEmpty = std::numeric_limits<uint32_t>::max();

  List& list_of(uint32_t priority);
  void grow_slots();
  static std::optional<uint32_t> take(List& list);

  std::vector<List> lists_;  // the first n_lists_ are in use
  size_t n_lists_ = 0;
  std::vector<Slot> slots_;      // lists by priority; open addressing, power of two
  std::vector<uint64_t> order_;  // a heap of priority << 32 | list, least first
};

// Holds the buffers between words; not thread-safe.
class WordMerger {
 public:
  // `rule(left, right)` gives the Merge of two neighbours, or kNoMerge. Symbols are merged in
  // place.
  template <class Rule>
  void merge(std::vector<Symbol>& symbols, const Rule& rule) {
    if (symbols.size() < 2) return;
    if (symbols.size() <= kShortWord) {
      merge_short(symbols, rule);
    } else {
      merge_long(symbols, rule);
    }
  }

  void release_memory() { *this = WordMerger(); }

 private:
  // Up to here looking at every pair for each merge is quicker than a heap.
  static constexpr size_t kShortWord = 48;
  static constexpr uint32_t kNone = std::numeric_limits<uint32_t>::max();

  struct Link {
    uint32_t previous;
    uint32_t next;  // kNone at the end
    Merge merge;    // of this symbol and the next
  };

  template <class Rule>
  void merge_short(std::vector<Symbol>& symbols, const Rule& rule);
  template <class Rule>
  void merge_long(std::vector<Symbol>& symbols, const Rule& rule);
  template <class Rule>
  void update(const std::vector<Symbol>& symbols, uint32_t at, const Rule& rule);

  std::vector<Link> links_;
  PairQueue queue_;
};

template <class Rule>
void WordMerger::merge_short(std::vector<Symbol>& symbols, const Rule& rule) {
  Merge pairs[kShortWord];
  size_t n = symbols.size();
  for (size_t i = 0; i + 1 < n; ++i) pairs[i] = rule(symbols[i], symbols[i + 1]);
  while (n > 1) {
    size_t best = 0;
    for (size_t i = 1; i + 1 < n; ++i) {
      if (pairs[i].priority < pairs[best].priority) best = i;
    }
    if (pairs[best].id == kNoToken) break;
    symbols[best].n_bytes += symbols[best + 1].n_bytes;
    symbols[best].id = pairs[best].id;
    --n;
    std::copy(symbols.begin() + best + 2, symbols.begin() + n + 1, symbols.begin() + best + 1);
    std::copy(pairs + best + 1, pairs + n, pairs + best);
    if (best > 0) pairs[best - 1] = rule(symbols[best - 1], symbols[best]);
    if (best + 1 < n) pairs[best] = rule(symbols[best], symbols[best + 1]);
  }
  symbols.resize(n);
}

template <class Rule>
void WordMerger::update(const std::vector<Symbol>& symbols, uint32_t at, const Rule& rule) {
  Link& link = links_[at];
  link.merge = link.next == kNone ? kNoMerge : rule(symbols[at], symbols[link.next]);
  if (link.merge.id != kNoToken) queue_.push({link.merge.priority, at});
}

template <class Rule>
void WordMerger::merge_long(std::vector<Symbol>& symbols, const Rule& rule) {
  const auto n = static_cast<uint32_t>(symbols.size());
  links_.resize(n);
  queue_.clear();
  for (uint32_t i = 0; i < n; ++i) {
    links_[i] = {i - 1, i + 1 < n ? i + 1 : kNone, kNoMerge};
    update(symbols, i, rule);
  }
  while (const auto pair = queue_.pop()) {
    const uint32_t at = pair->at;
    Link& link = links_[at];
    // A pair that has changed since it was pushed has been pushed anew.
    if (link.merge.id == kNoToken || link.merge.priority != pair->priority) continue;
    const uint32_t right = link.next;
    symbols[at].n_bytes += symbols[right].n_bytes;
    symbols[at].id = link.merge.id;
    symbols[right].n_bytes = 0;
    links_[right].merge = kNoMerge;
    link.next = links_[right].next;
    if (link.next != kNone) links_[link.next].previous = at;
    update(symbols, at, rule);
    if (at > 0) update(symbols, link.previous, rule);
  }
  std::erase_if(symbols, [](const Symbol& symbol) { return symbol.n_bytes == 0; });
}

}  // namespace hearth::text
