#include "compute/cpu/attention/kernel.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "compute/cpu/kv_format.h"

namespace hearth::compute::cpu {
namespace {

constexpr int64_t kSlots = kKvBlockTokens;
constexpr float kNever = -std::numeric_limits<float>::infinity();

// What to subtract before exp: the maximum, or 0 while nothing has been seen.
float exponent_base(float max) { return max == kNever ? 0 : max; }

template <KvType kType>
void score(const AttentionQueries& queries, const AttentionBlock& block, const SpanStates& states) {
  float* keys = block.scratch;
  load_keys(kType, block.keys, queries.head_dim, keys);
  for (int64_t i = 0; i < queries.n_queries; ++i) {
    float* scores = states.scores + i * kSpanPositions + block.position % kSpanPositions;
    std::fill_n(scores, kSlots, 0.0f);
    for (int64_t d = 0; d < queries.head_dim; ++d) {
      for (int64_t j = 0; j < kSlots; ++j) scores[j] += queries.q[i][d] * keys[d * kSlots + j];
    }
  }
}

void weigh(const AttentionQueries& queries, int32_t position, const SpanStates& states) {
  for (int64_t i = 0; i < queries.n_queries; ++i) {
    const int64_t begin = std::max<int64_t>(0, int64_t{queries.first[i]} - position);
    const int64_t end = std::min(kSpanPositions, int64_t{queries.last[i]} - position + 1);
    float* row = states.scores + i * kSpanPositions;
    float max = kNever, sum = 0;
    for (int64_t j = begin; j < end; ++j) {
      row[j] *= queries.scale;
      if (queries.softcap > 0) row[j] = queries.softcap * std::tanh(row[j] / queries.softcap);
      max = std::max(max, row[j]);
    }
    for (int64_t j = 0; j < kSpanPositions; ++j) {
      row[j] = begin <= j && j < end ? std::exp(row[j] - exponent_base(max)) : 0;
      sum += row[j];
    }
    states.max[i] = max;
    states.sum[i] = sum;
  }
}

template <KvType kType>
void add(const AttentionQueries& queries, const AttentionBlock& block, const SpanStates& states) {
  float* values = block.scratch;
  load_values(kType, block.values, queries.head_dim, values);
  for (int64_t i = 0; i < queries.n_queries; ++i) {
    const float* weights = states.scores + i * kSpanPositions + block.position % kSpanPositions;
    float* acc = states.acc + i * queries.head_dim;
    const int64_t begin = std::max<int64_t>(0, int64_t{queries.first[i]} - block.position);
    const int64_t end = std::min<int64_t>(kSlots, int64_t{queries.last[i]} - block.position + 1);
    for (int64_t j = begin; j < end; ++j) {
      for (int64_t d = 0; d < queries.head_dim; ++d)
        acc[d] += weights[j] * values[j * queries.head_dim + d];
    }
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
    .formats = {{score<KvType::kF32>, add<KvType::kF32>},
                {score<KvType::kF16>, add<KvType::kF16>},
                {score<KvType::kQ8_0>, add<KvType::kQ8_0>}},
    .weigh = weigh,
    .fold = fold,
    .finish = finish,
};

const AttentionKernels& attention_kernels(IsaLevel level) {
#if defined(__x86_64__)
  if (level >= IsaLevel::kAvx512Vnni) return kAttentionAvx512;
  if (level >= IsaLevel::kAvx2) return kAttentionAvx2;
#elif defined(__aarch64__)
  if (level >= IsaLevel::kNeon) return kAttentionNeon;
#endif
  static_cast<void>(level);
  return kAttentionScalar;
}

}  // namespace hearth::compute::cpu
