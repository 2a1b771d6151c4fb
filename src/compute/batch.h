// What one step computes: rows of any sequences, prompt pieces and single tokens mixed.
#pragma once

#include <cstdint>
#include <span>

namespace hearth::compute {

inline constexpr int32_t kKvBlockTokens = 32;  // positions a KV block

// KV blocks that hold so many positions.
template <class Int>
constexpr Int kv_blocks_for(Int n_positions) {
  return (n_positions + kKvBlockTokens - 1) / kKvBlockTokens;
}

struct Row {
  int32_t token;     // in [0, n_vocab)
  int32_t position;  // >= 0; its K and V go to block_tables[sequence][position / 32], slot position
                     // % 32
  int32_t sequence;  // index into Batch::block_tables
  bool wants_logits;
};

// Rows of one sequence come in ascending order of position, and every earlier position is in the
// cache or in this batch. A block table must cover every position up to the sequence's last row.
struct Batch {
  std::span<const Row> rows;
  std::span<const std::span<const int32_t>> block_tables;  // KV block numbers, by sequence
};

}  // namespace hearth::compute
