#include "compute/cpu/attention_kernel.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace hearth::compute::cpu {
namespace {

constexpr int64_t kSlots = 32;
constexpr float kNever = -std::numeric_limits<float>::infinity();

// What to subtract before exp: the maximum, or 0 while nothing has been seen.
float exponent_base(float max) { return max == kNever ? 0 : max; }

void score_block(const AttentionQueries& queries, int64_t query, const float* keys,
                 float scores[kSlots]) {
  for (int64_t j = 0; j < kSlots; ++j) scores[j] = 0;
  for (int64_t d = 0; d < queries.head_dim; ++d) {
    const float q = queries.q[query][d];
    for (int64_t j = 0; j < kSlots; ++j) scores[j] += q * keys[d * kSlots + j];
  }
  for (int64_t j = 0; j < kSlots; ++j) {
    scores[j] *= queries.scale;
    if (queries.softcap > 0) scores[j] = queries.softcap * std::tanh(scores[j] / queries.softcap);
  }
}

void attend_f32(const AttentionQueries& queries, const float* keys, const float* values,
                int32_t position) {
  for (int64_t query = 0; query < queries.n_queries; ++query) {
    const int64_t begin = std::max<int64_t>(0, int64_t{queries.first[query]} - position);
    const int64_t end = std::min<int64_t>(kSlots, int64_t{queries.last[query]} - position + 1);
    if (begin >= end) continue;
    float scores[kSlots];
    score_block(queries, query, keys, scores);
    float max = queries.max[query];
    for (int64_t j = begin; j < end; ++j) max = std::max(max, scores[j]);
    const float base = exponent_base(max);
    const float factor = std::exp(queries.max[query] - base);
    float* acc = queries.acc + query * queries.head_dim;
    float sum = queries.sum[query] * factor;
    for (int64_t d = 0; d < queries.head_dim; ++d) acc[d] *= factor;
    for (int64_t j = begin; j < end; ++j) {
      const float weight = std::exp(scores[j] - base);
      sum += weight;
      for (int64_t d = 0; d < queries.head_dim; ++d)
        acc[d] += weight * values[j * queries.head_dim + d];
    }
    queries.max[query] = max;
    queries.sum[query] = sum;
  }
}

void fold(const AttentionState& total, const AttentionState& part, int64_t head_dim) {
  const float max = std::max(*total.max, *part.max), base = exponent_base(max);
  const float a = std::exp(*total.max - base), b = std::exp(*part.max - base);
  for (int64_t d = 0; d < head_dim; ++d) total.acc[d] = total.acc[d] * a + part.acc[d] * b;
  *total.sum = *total.sum * a + *part.sum * b;
  *total.max = max;
}

void finish(const AttentionState& state, const float* sink, int64_t head_dim, float* out) {
  float factor = 1, sum = *state.sum;
  if (sink != nullptr) {
    const float max = std::max(*state.max, *sink);
    factor = std::exp(*state.max - max);
    sum = sum * factor + std::exp(*sink - max);
  }
  const float inverse = factor / sum;
  for (int64_t d = 0; d < head_dim; ++d) out[d] = state.acc[d] * inverse + 0.0f;
}

}  // namespace

const AttentionKernels kAttentionScalar = {
    .attend_f32 = attend_f32, .attend_f16 = nullptr, .fold = fold, .finish = finish};

const AttentionKernels& attention_kernels(IsaLevel level) {
#if defined(__x86_64__)
  if (level >= IsaLevel::kAvx2) return kAttentionAvx2;
#elif defined(__aarch64__)
  if (level >= IsaLevel::kNeon) return kAttentionNeon;
#endif
  static_cast<void>(level);
  return kAttentionScalar;
}

}  // namespace hearth::compute::cpu
