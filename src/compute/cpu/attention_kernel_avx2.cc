// Attention over one block by FMA, 3 queries at a time.
//
// Scores: 3 queries x 32 positions are 12 accumulators; with 3 broadcast query values and one row
// of 8 keys they fill the 16 registers, and 7 loads feed 12 FMAs. Values: the same shape, 3 queries
// x 32 dimensions, with 3 broadcast weights. A query's sums run over d, then over positions, in
// ascending order in one chain a lane, whichever queries it shares a call with.
#include "compute/cpu/attention_kernel.h"

#if defined(__x86_64__)

#include <math.h>

#include "compute/cpu/vector_math_avx2.h"

namespace hearth::compute::cpu {
namespace {

constexpr int kSlots = 32;

struct F32 {
  using Stored = float;
  static __m256 load(const float* at) { return _mm256_loadu_ps(at); }
};
struct F16 {
  using Stored = uint16_t;
  static __m256 load(const uint16_t* at) {
    return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at)));
  }
};

template <class T>
T least(T a, T b) {
  return a < b ? a : b;
}
template <class T>
T most(T a, T b) {
  return a > b ? a : b;
}

float exp1(float x) { return _mm256_cvtss_f32(exp8(_mm256_set1_ps(x))); }
float exponent_base(float max) { return max == -INFINITY ? 0 : max; }

// -infinity where the position is outside [first, last].
void mask(__m256 scores[4], int32_t first, int32_t last, int32_t position) {
  const __m256i before = _mm256_set1_epi32(first - position);
  const __m256i after = _mm256_set1_epi32(last - position);
  for (int c = 0; c < 4; ++c) {
    const __m256i slot =
        _mm256_add_epi32(_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), _mm256_set1_epi32(8 * c));
    const __m256i hidden =
        _mm256_or_si256(_mm256_cmpgt_epi32(before, slot), _mm256_cmpgt_epi32(slot, after));
    scores[c] = _mm256_blendv_ps(scores[c], _mm256_set1_ps(-INFINITY), _mm256_castsi256_ps(hidden));
  }
}

// Turns scores into weights and brings max and sum up to date; gives the factor for acc.
float softmax(const AttentionQueries& queries, int64_t query, __m256 scores[4], float weights[32]) {
  const float before = queries.max[query];
  const __m256 block =
      _mm256_max_ps(_mm256_max_ps(scores[0], scores[1]), _mm256_max_ps(scores[2], scores[3]));
  const float max = most(before, max8(block)), base = exponent_base(max);
  const float factor = exp1(before - base);
  for (int c = 0; c < 4; ++c) {
    scores[c] = exp8(_mm256_sub_ps(scores[c], _mm256_set1_ps(base)));
    _mm256_store_ps(weights + 8 * c, scores[c]);
  }
  const __m256 sum =
      _mm256_add_ps(_mm256_add_ps(scores[0], scores[1]), _mm256_add_ps(scores[2], scores[3]));
  queries.max[query] = max;
  queries.sum[query] = queries.sum[query] * factor + sum8(sum);
  return factor;
}

// acc[n_queries][8 * kC] = acc * factor + weights[n_queries][begin, end) values
template <class Kv, int kQ, int kC>
inline void add_values(float* acc, int64_t head_dim, const typename Kv::Stored* values,
                       const float (*weights)[kSlots], const float* factor, int begin, int end) {
  __m256 sums[kQ][kC];
  for (int r = 0; r < kQ; ++r) {
    for (int c = 0; c < kC; ++c) {
      sums[r][c] =
          _mm256_mul_ps(_mm256_loadu_ps(acc + r * head_dim + 8 * c), _mm256_set1_ps(factor[r]));
    }
  }
  for (int j = begin; j < end; ++j) {
    __m256 weight[kQ];
    for (int r = 0; r < kQ; ++r) weight[r] = _mm256_broadcast_ss(weights[r] + j);
    for (int c = 0; c < kC; ++c) {
      const __m256 value = Kv::load(values + j * head_dim + 8 * c);
      for (int r = 0; r < kQ; ++r) sums[r][c] = _mm256_fmadd_ps(weight[r], value, sums[r][c]);
    }
  }
  for (int r = 0; r < kQ; ++r) {
    for (int c = 0; c < kC; ++c) _mm256_storeu_ps(acc + r * head_dim + 8 * c, sums[r][c]);
  }
}

// scores[kQ][32] = q keys. The accumulators stay in registers only while nothing takes their
// address.
template <class Kv, int kQ>
inline void multiply_keys(const float* const* q, int64_t head_dim, const typename Kv::Stored* keys,
                          float (*scores)[kSlots]) {
  __m256 sums[kQ][4];
#pragma GCC unroll 4
  for (int r = 0; r < kQ; ++r) {
#pragma GCC unroll 4
    for (int c = 0; c < 4; ++c) sums[r][c] = _mm256_setzero_ps();
  }
  for (int64_t d = 0; d < head_dim; ++d) {
    __m256 query[kQ];
#pragma GCC unroll 4
    for (int r = 0; r < kQ; ++r) query[r] = _mm256_broadcast_ss(q[r] + d);
#pragma GCC unroll 4
    for (int c = 0; c < 4; ++c) {
      const __m256 key = Kv::load(keys + d * kSlots + 8 * c);
#pragma GCC unroll 4
      for (int r = 0; r < kQ; ++r) sums[r][c] = _mm256_fmadd_ps(query[r], key, sums[r][c]);
    }
  }
#pragma GCC unroll 4
  for (int r = 0; r < kQ; ++r) {
#pragma GCC unroll 4
    for (int c = 0; c < 4; ++c) _mm256_store_ps(scores[r] + 8 * c, sums[r][c]);
  }
}

// Scale, cap and mask of one query's scores, then softmax() over them.
float weigh(const AttentionQueries& queries, int64_t query, int32_t position, float row[kSlots]) {
  const __m256 scale = _mm256_set1_ps(queries.scale);
  __m256 scores[4];
  for (int c = 0; c < 4; ++c) scores[c] = _mm256_mul_ps(_mm256_load_ps(row + 8 * c), scale);
  if (queries.softcap > 0) {
    const __m256 cap = _mm256_set1_ps(queries.softcap);
    const __m256 inverse = _mm256_set1_ps(1 / queries.softcap);
    for (int c = 0; c < 4; ++c)
      scores[c] = _mm256_mul_ps(cap, tanh8(_mm256_mul_ps(scores[c], inverse)));
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
  alignas(32) float weights[kQ][kSlots];
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
  for (; d + 32 <= head_dim; d += 32) {
    add_values<Kv, kQ, 4>(acc + d, head_dim, values + d, weights, factor, begin, end);
  }
  for (; d < head_dim; d += 8) {
    add_values<Kv, kQ, 1>(acc + d, head_dim, values + d, weights, factor, begin, end);
  }
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
  for (int64_t d = 0; d < head_dim; d += 8) {
    const __m256 scaled = _mm256_mul_ps(_mm256_loadu_ps(part.acc + d), _mm256_set1_ps(b));
    _mm256_storeu_ps(total.acc + d,
                     _mm256_fmadd_ps(_mm256_loadu_ps(total.acc + d), _mm256_set1_ps(a), scaled));
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
  const __m256 inverse = _mm256_set1_ps(factor / sum);
  for (int64_t d = 0; d < head_dim; d += 8) {
    const __m256 value = _mm256_mul_ps(_mm256_loadu_ps(state.acc + d), inverse);
    _mm256_storeu_ps(out + d, _mm256_add_ps(value, _mm256_setzero_ps()));
  }
}

}  // namespace

const AttentionKernels kAttentionAvx2 = {
    .attend_f32 = attend_f32, .attend_f16 = attend_f16, .fold = fold, .finish = finish};

}  // namespace hearth::compute::cpu

#endif
