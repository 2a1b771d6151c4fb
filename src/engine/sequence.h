// One sequence of tokens and the KV blocks that hold its positions.
//
// Three lengths, always cached_len <= tokens().size() <= max_len:
//   cached_len       tokens whose K and V are in the cache
//   tokens().size()  tokens known: the prompt, then what was drawn
//   max_len          positions that the sequence may ever have
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "engine/kv_blocks.h"
#include "text/tokenizer.h"

namespace hearth::engine {

class Sequence {
 public:
  // `blocks` must outlive the sequence.
  Sequence(KvBlocks& blocks, int32_t max_len);
  ~Sequence();
  Sequence(const Sequence&) = delete;
  Sequence& operator=(const Sequence&) = delete;

  // Makes `tokens` the whole sequence and keeps the cached positions of the longest common prefix.
  // kContextExceeded, with the sequence as it was, if they are more than max_len.
  Result<void> set_tokens(std::span<const text::TokenId> tokens);
  void append(text::TokenId token);  // CHECKs that there is room

  // Blocks that reserve() would allocate; negative where there are more.
  int32_t n_missing_blocks(int32_t n_positions) const;
  // Blocks for positions up to n_positions, at most max_len: what is run may reach beyond what is
  // known.
  Result<void> reserve(int32_t n_positions);
  // Positions up to `length` have been computed; they were reserved.
  void mark_cached(int32_t length);
  // The first blocks become these, which hold the K and V of the sequence's own first tokens; it is
  // one more owner of each and gives back those that were in their place. Their positions are
  // cached now. A block with several owners is never written to.
  void share(std::span<const int32_t> blocks);
  // Forgets cached positions from `length` on and gives their blocks back. If `length` lies within
  // a shared block, that block's positions go as well.
  void shrink_cache(int32_t length);

  std::span<const text::TokenId> tokens() const { return tokens_; }
  int32_t n_tokens() const { return static_cast<int32_t>(tokens_.size()); }
  int32_t cached_len() const { return cached_len_; }
  int32_t max_len() const { return max_len_; }
  std::span<const int32_t> block_table() const { return block_table_; }

 private:
  void check() const;
  bool is_shared(int32_t position) const;  // that it lies in a block with other owners

  KvBlocks& blocks_;
  int32_t max_len_;
  int32_t cached_len_ = 0;
  std::vector<text::TokenId> tokens_;
  std::vector<int32_t> block_table_;
};

}  // namespace hearth::engine
