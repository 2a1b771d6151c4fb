// Pieces of the AVX-VNNI panel kernels: exact sums of products of whole 8-bit codes. Everything has
// internal linkage, as *_avxvnni.cc files require.
#pragma once

#include "compute/cpu/panel/byte_codes.h"
#include "compute/cpu/panel/vectors_avx2.h"

namespace hearth::compute::cpu {
namespace {

// 32-bit sums of rows 0, 1, 4, 5 and of rows 2, 3, 6, 7: two lanes a row.
struct LaneInts {
  __m256i first, second;
};

// start + the products of kPairs pairs of vectors with 8 kPairs activations.
template <int kPairs>
inline LaneInts dot_lanes(const __m256i* w, const int8_t* a,
                          __m256i start = _mm256_setzero_si256()) {
  LaneInts sums = {start, start};
  for (int q = 0; q < kPairs; ++q) {
    const __m256i eight = broadcast_eight(a + 8 * q);
    sums.first = _mm256_dpbusd_avx_epi32(sums.first, w[2 * q], eight);
    sums.second = _mm256_dpbusd_avx_epi32(sums.second, w[2 * q + 1], eight);
  }
  return sums;
}

// One sum a row, rows 0 to 7 in order.
inline __m256i fold(const LaneInts& sums) { return fold_wide(sums.first, sums.second); }

// sum + factor * (the two 16-bit lanes of a word pair).
template <int kFactor>
inline __m256i add_words(__m256i sum, const int32_t* pair) {
  return _mm256_dpwssd_avx_epi32(sum, broadcast_four(pair), _mm256_set1_epi16(kFactor));
}

}  // namespace
}  // namespace hearth::compute::cpu
