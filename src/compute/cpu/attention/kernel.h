// Softmax attention of a few queries over one span of positions, and the folding of spans.
//
// What fixes every bit on one instruction set: a query's positions are cut into spans at multiples
// of kSpanPositions, and each gives a state (max, sum, acc): the span's largest score, the sum of
// exp(score - max) and the values weighted by the same. A score is summed over the head's
// dimensions and acc over the span's positions, in ascending order, in one chain a number (the
// vector kernels sum the codes of 32 dimensions of q8_0 keys, then multiply by the scale). The
// spans' states are folded in ascending order into an empty one. A position that a query may not
// see adds nothing, to the bit (but for the sign of a zero, which finish() drops), so that queries
// of different visible ranges can share a call. AVX2 and AVX-512 give the same bits.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/cpu_features.h"

namespace hearth::compute::cpu {

inline constexpr int64_t kSpanPositions = 256;

// Queries of one KV head.
struct AttentionQueries {
  int64_t n_queries;
  int64_t head_dim;
  float scale, softcap;   // softcap 0: none
  const float* const* q;  // [n_queries] pointers to head_dim floats
  const int32_t* first;   // [n_queries] the visible positions are [first, last]
  const int32_t* last;
};

// What a span makes of its queries.
struct SpanStates {
  float* scores;  // [n_queries, kSpanPositions]; weigh() makes them weights
  float* max;     // [n_queries]
  float* sum;     // [n_queries]
  float* acc;     // [n_queries, head_dim]
};

// One head's part of a KV block, in the layout of kv_format.h.
struct AttentionBlock {
  const std::byte* keys;
  const std::byte* values;
  // Keys or values that will be wanted soon, or null: as many bytes as the block at hand has of
  // them are fetched.
  const std::byte* ahead;
  int32_t position;  // of the block's first slot
  float* scratch;    // [attention_scratch(head_dim)]
};
inline int64_t attention_scratch(int64_t head_dim) { return 33 * head_dim; }

struct AttentionState {
  float* max;
  float* sum;
  float* acc;  // [head_dim]
};

struct AttentionKernels {
  struct Format {
    // The scores of the queries that see any of the block's 32 positions, as plain products.
    void (*score)(const AttentionQueries& queries, const AttentionBlock& block,
                  const SpanStates& states);
    // acc += weights values. acc starts at 0.
    void (*add)(const AttentionQueries& queries, const AttentionBlock& block,
                const SpanStates& states);
  };
  Format formats[3];  // by KvType
  // Once all blocks of the span that starts at `position` are scored: scale, softcap and softmax.
  // Sets max and sum.
  void (*weigh)(const AttentionQueries& queries, int32_t position, const SpanStates& states);
  // total = total and then part, in that order of positions. An empty state is -infinity, 0 and 0.
  void (*fold)(const AttentionState& total, const AttentionState& part, int64_t head_dim);
  // out = acc / sum; with a sink, its weight joins the sum first.
  void (*finish)(const AttentionState& state, const float* sink, int64_t head_dim, float* out);
};

const AttentionKernels& attention_kernels(IsaLevel level);

extern const AttentionKernels kAttentionScalar;
extern const AttentionKernels kAttentionAvx2;
extern const AttentionKernels kAttentionAvx512;
extern const AttentionKernels kAttentionNeon;

}  // namespace hearth::compute::cpu
