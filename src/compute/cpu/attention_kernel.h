// Softmax attention of a few queries over one KV block, and the folding of partial results.
//
// The state of a query is (max, sum, acc): the largest score so far, the sum of exp(score - max)
// and the values weighted by the same. A block whose positions a query may not see leaves its state
// unchanged to the bit (but for the sign of a zero, which finish() drops), so queries of different
// visible ranges can share a call.
#pragma once

#include <cstdint>

#include "base/cpu_features.h"

namespace hearth::compute::cpu {

// Queries of one KV head.
struct AttentionQueries {
  int64_t n_queries;
  int64_t head_dim;
  float scale, softcap;   // softcap 0: none
  const float* const* q;  // [n_queries] pointers to head_dim floats
  const int32_t* first;   // [n_queries] the visible positions are [first, last]
  const int32_t* last;
  float* max;  // [n_queries], starts at -infinity
  float* sum;  // [n_queries], starts at 0
  float* acc;  // [n_queries, head_dim], starts at 0
};

struct AttentionState {
  float* max;
  float* sum;
  float* acc;  // [head_dim]
};

struct AttentionKernels {
  // The block's 32 positions start at `position`; keys and values as in kv_format.h.
  void (*attend_f32)(const AttentionQueries& queries, const float* keys, const float* values,
                     int32_t position);
  // The same bits from half precision, without the detour through memory; null if not any faster.
  void (*attend_f16)(const AttentionQueries& queries, const uint16_t* keys, const uint16_t* values,
                     int32_t position);
  // total = total and then part, in that order of positions.
  void (*fold)(const AttentionState& total, const AttentionState& part, int64_t head_dim);
  // out = acc / sum; with a sink, its weight joins the sum first.
  void (*finish)(const AttentionState& state, const float* sink, int64_t head_dim, float* out);
};

const AttentionKernels& attention_kernels(IsaLevel level);

extern const AttentionKernels kAttentionScalar;
extern const AttentionKernels kAttentionAvx2;
extern const AttentionKernels kAttentionNeon;

}  // namespace hearth::compute::cpu
