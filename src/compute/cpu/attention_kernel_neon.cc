// Attention over one block by FMA, 3 queries at a time.
//
// Scores: 3 queries x 32 positions are 24 accumulators, which with 3 broadcast query values and a
// register of 4 keys fit in the 32; 11 loads feed 24 FMAs. Values: the same shape, 3 queries x 32
// dimensions, with 3 broadcast weights. A query's sums run over d, then over positions, in
// ascending order in one chain a lane, whichever queries it shares a call with.
#include "compute/cpu/attention_kernel.h"

#include <math.h>

#include "compute/cpu/vector_math_neon.h"

namespace hearth::compute::cpu {
namespace {

constexpr int kSlots = 32;
constexpr int kRegisters = kSlots / 4;

struct F32 {
  using Stored = float;
  static float32x4_t load(const float* at) { return vld1q_f32(at); }
};
struct F16 {
  using Stored = uint16_t;
  static float32x4_t load(const uint16_t* at) { return load_4_halfs(at); }
};

template <class T>
T least(T a, T b) {
  return a < b ? a : b;
}
template <class T>
T most(T a, T b) {
  return a > b ? a : b;
}

float exp1(float x) { return vgetq_lane_f32(exp4(vdupq_n_f32(x)), 0); }
float exponent_base(float max) { return max == -INFINITY ? 0 : max; }

// -infinity where the position is outside [first, last].
void mask(float32x4_t scores[kRegisters], int32_t first, int32_t last, int32_t position) {
  constexpr int32_t kLanes[4] = {0, 1, 2, 3};
  const int32x4_t before = vdupq_n_s32(first - position), after = vdupq_n_s32(last - position);
  for (int c = 0; c < kRegisters; ++c) {
    const int32x4_t slot = vaddq_s32(vld1q_s32(kLanes), vdupq_n_s32(4 * c));
    const uint32x4_t hidden = vorrq_u32(vcgtq_s32(before, slot), vcgtq_s32(slot, after));
    scores[c] = vbslq_f32(hidden, vdupq_n_f32(-INFINITY), scores[c]);
  }
}

// Turns scores into weights and brings max and sum up to date; gives the factor for acc.
float softmax(const AttentionQueries& queries, int64_t query, float32x4_t scores[kRegisters],
              float weights[kSlots]) {
  const float before = queries.max[query];
  float32x4_t block = scores[0];
  for (int c = 1; c < kRegisters; ++c) block = vmaxnmq_f32(block, scores[c]);
  const float max = most(before, vmaxnmvq_f32(block)), base = exponent_base(max);
  const float factor = exp1(before - base);
  float32x4_t sum = vdupq_n_f32(0);
  for (int c = 0; c < kRegisters; ++c) {
    const float32x4_t weight = exp4(vsubq_f32(scores[c], vdupq_n_f32(base)));
    vst1q_f32(weights + 4 * c, weight);
    sum = vaddq_f32(sum, weight);
  }
  queries.max[query] = max;
  queries.sum[query] = queries.sum[query] * factor + vaddvq_f32(sum);
  return factor;
}

// acc[n_queries][4 * kC] = acc * factor + weights[n_queries][begin, end) values
template <class Kv, int kQ, int kC>
inline void add_values(float* acc, int64_t head_dim, const typename Kv::Stored* values,
                       const float (*weights)[kSlots], const float* factor, int begin, int end) {
  float32x4_t sums[kQ][kC];
  for (int r = 0; r < kQ; ++r) {
    for (int c = 0; c < kC; ++c)
      sums[r][c] = vmulq_n_f32(vld1q_f32(acc + r * head_dim + 4 * c), factor[r]);
  }
  for (int j = begin; j < end; ++j) {
    float32x4_t weight[kQ];
    for (int r = 0; r < kQ; ++r) weight[r] = vld1q_dup_f32(weights[r] + j);
    for (int c = 0; c < kC; ++c) {
      const float32x4_t value = Kv::load(values + j * head_dim + 4 * c);
      for (int r = 0; r < kQ; ++r) sums[r][c] = vfmaq_f32(sums[r][c], weight[r], value);
    }
  }
  for (int r = 0; r < kQ; ++r) {
    for (int c = 0; c < kC; ++c) vst1q_f32(acc + r * head_dim + 4 * c, sums[r][c]);
  }
}

// scores[kQ][32] = q keys
template <class Kv, int kQ>
inline void multiply_keys(const float* const* q, int64_t head_dim, const typename Kv::Stored* keys,
                          float (*scores)[kSlots]) {
  float32x4_t sums[kQ][kRegisters];
  for (int r = 0; r < kQ; ++r) {
    for (int c = 0; c < kRegisters; ++c) sums[r][c] = vdupq_n_f32(0);
  }
  for (int64_t d = 0; d < head_dim; ++d) {
    float32x4_t query[kQ];
    for (int r = 0; r < kQ; ++r) query[r] = vld1q_dup_f32(q[r] + d);
    for (int c = 0; c < kRegisters; ++c) {
      const float32x4_t key = Kv::load(keys + d * kSlots + 4 * c);
      for (int r = 0; r < kQ; ++r) sums[r][c] = vfmaq_f32(sums[r][c], query[r], key);
    }
  }
  for (int r = 0; r < kQ; ++r) {
    for (int c = 0; c < kRegisters; ++c) vst1q_f32(scores[r] + 4 * c, sums[r][c]);
  }
}

// Scale, cap and mask of one query's scores, then softmax() over them.
float weigh(const AttentionQueries& queries, int64_t query, int32_t position, float row[kSlots]) {
  float32x4_t scores[kRegisters];
  for (int c = 0; c < kRegisters; ++c)
    scores[c] = vmulq_n_f32(vld1q_f32(row + 4 * c), queries.scale);
  if (queries.softcap > 0) {
    const float inverse = 1 / queries.softcap;
    for (float32x4_t& score : scores)
      score = vmulq_n_f32(tanh4(vmulq_n_f32(score, inverse)), queries.softcap);
  }
  const int32_t first = queries.first[query], last = queries.last[query];
  if (first > position || last < position + kSlots - 1) mask(scores, first, last, position);
  return softmax(queries, query, scores, row);
}

template <class Kv, int kQ>
inline void attend_some(const AttentionQueries& queries, int64_t first_query,
                        const typename Kv::Stored* keys, const typename Kv::Stored* values,
                        int32_t position) {
  const int64_t head_dim = queries.head_dim;
  float weights[kQ][kSlots];
  multiply_keys<Kv, kQ>(queries.q + first_query, head_dim, keys, weights);
  float factor[kQ];
  int begin = kSlots, end = 0;
  for (int r = 0; r < kQ; ++r) {
    const int64_t at = first_query + r;
    begin = least(begin, most(0, queries.first[at] - position));
    end = most(end, least(kSlots, queries.last[at] - position + 1));
    factor[r] = weigh(queries, at, position, weights[r]);
  }
  float* acc = queries.acc + first_query * head_dim;
  int64_t d = 0;
  for (; d + 32 <= head_dim; d += 32)
    add_values<Kv, kQ, 8>(acc + d, head_dim, values + d, weights, factor, begin, end);
  for (; d < head_dim; d += 8)
    add_values<Kv, kQ, 2>(acc + d, head_dim, values + d, weights, factor, begin, end);
}

template <class Kv>
inline void attend(const AttentionQueries& queries, const typename Kv::Stored* keys,
                   const typename Kv::Stored* values, int32_t position) {
  int64_t query = 0;
  for (; query + 3 <= queries.n_queries; query += 3)
    attend_some<Kv, 3>(queries, query, keys, values, position);
  if (queries.n_queries - query == 2) attend_some<Kv, 2>(queries, query, keys, values, position);
  if (queries.n_queries - query == 1) attend_some<Kv, 1>(queries, query, keys, values, position);
}

void attend_f32(const AttentionQueries& queries, const float* keys, const float* values,
                int32_t position) {
  attend<F32>(queries, keys, values, position);
}
void attend_f16(const AttentionQueries& queries, const uint16_t* keys, const uint16_t* values,
                int32_t position) {
  attend<F16>(queries, keys, values, position);
}

void fold(const AttentionState& total, const AttentionState& part, int64_t head_dim) {
  const float max = most(*total.max, *part.max), base = exponent_base(max);
  const float a = exp1(*total.max - base), b = exp1(*part.max - base);
  for (int64_t d = 0; d < head_dim; d += 4) {
    const float32x4_t scaled = vmulq_n_f32(vld1q_f32(part.acc + d), b);
    vst1q_f32(total.acc + d, vfmaq_f32(scaled, vld1q_f32(total.acc + d), vdupq_n_f32(a)));
  }
  *total.sum = *total.sum * a + *part.sum * b;
  *total.max = max;
}

void finish(const AttentionState& state, const float* sink, int64_t head_dim, float* out) {
  float factor = 1, sum = *state.sum;
  if (sink != nullptr) {
    const float max = most(*state.max, *sink);
    factor = exp1(*state.max - max);
    sum = sum * factor + exp1(*sink - max);
  }
  const float inverse = factor / sum;
  for (int64_t d = 0; d < head_dim; d += 4) {
    const float32x4_t value = vmulq_n_f32(vld1q_f32(state.acc + d), inverse);
    vst1q_f32(out + d, vaddq_f32(value, vdupq_n_f32(0)));
  }
}

}  // namespace

const AttentionKernels kAttentionNeon = {
    .attend_f32 = attend_f32, .attend_f16 = attend_f16, .fold = fold, .finish = finish};

}  // namespace hearth::compute::cpu
