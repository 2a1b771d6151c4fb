// Pieces of the AVX-512 panel kernels, which take two panels at once. Everything has internal
// linkage, as *_avx512.cc files require.
//
// A vector has the columns 8 q .. 8 q + 7 of a panel's rows 0, 1, 4, 5, 2, 3, 6, 7: the two AVX2
// vectors 2 q and 2 q + 1 of format.h side by side. Codes are whole unsigned bytes.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "compute/cpu/panel/byte_codes.h"

namespace hearth::compute::cpu {
namespace {

// Ahead of the block in hand. One row of Q4_K on two cores of an EPYC (Zen 5), GB/s, of 73 that
// reading gives: 65 at 3072 bytes, 71 at 8192, 68 at 12288.
constexpr int kPrefetchBytes = 8192;

inline void prefetch_bytes(const uint8_t* block, int n_bytes) {
  for (int line = 0; line < n_bytes; line += 64) {
    _mm_prefetch(reinterpret_cast<const char*>(block + kPrefetchBytes + line), _MM_HINT_T0);
  }
}

// Eight halfs of each panel.
inline __m512 load_halfs(const uint8_t* first, const uint8_t* second) {
  return _mm512_cvtph_ps(_mm256_loadu2_m128i(reinterpret_cast<const __m128i*>(second),
                                             reinterpret_cast<const __m128i*>(first)));
}

// Four bytes at `from` in each 32-bit lane.
inline __m512i broadcast_four(const void* from) {
  int32_t four;
  __builtin_memcpy(&four, from, sizeof four);
  return _mm512_set1_epi32(four);
}

// Eight bytes at `from` in each 64-bit lane.
inline __m512i broadcast_eight(const void* from) {
  int64_t eight;
  __builtin_memcpy(&eight, from, sizeof eight);
  return _mm512_set1_epi64(eight);
}

inline void unpack_nibbles(const uint8_t* from, __m512i w[4]) {
  const __m512i low = _mm512_set1_epi8(15);
  for (int j = 0; j < 2; ++j) {
    const __m512i pair = _mm512_loadu_si512(from + 64 * j);
    w[j] = _mm512_and_si512(pair, low);
    w[j + 2] = _mm512_and_si512(_mm512_srli_epi16(pair, 4), low);
  }
}

// Bytes `first` in the low half, `second` in the high one.
inline __m512i halves(int first, int second) {
  return _mm512_inserti64x4(_mm512_set1_epi8(static_cast<char>(first)),
                            _mm256_set1_epi8(static_cast<char>(second)), 1);
}

// Adds the plane, of which bit v of a byte belongs to half v, as bit kTo of the codes.
template <int kTo>
inline void add_plane_1(const uint8_t* from, __m512i w[4]) {
  const __m512i plane =
      _mm512_broadcast_i64x4(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
  const __m512i bit = _mm512_set1_epi8(1 << kTo);
  for (int q = 0; q < 4; ++q) {
    const __mmask64 is_set = _mm512_test_epi8_mask(plane, halves(1 << 2 * q, 2 << 2 * q));
    w[q] = _mm512_mask_add_epi8(w[q], is_set, w[q], bit);
  }
}

// The 16-bit lanes of a plane (32 bytes, twice), shifted right by `first` bits in the low half and
// by `second` in the high one.
inline __m512i shift_plane(const uint8_t* from, int first, int second) {
  const __m512i plane =
      _mm512_broadcast_i64x4(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
  const __m512i counts = _mm512_inserti64x4(_mm512_set1_epi16(static_cast<int16_t>(first)),
                                            _mm256_set1_epi16(static_cast<int16_t>(second)), 1);
  return _mm512_srlv_epi16(plane, counts);
}

// Codes of two bits: bits 2 i, 2 i + 1 of a byte of the first (second) plane belong to half i
// (i + 4).
inline void unpack_pairs(const uint8_t* from, __m512i w[4]) {
  const __m512i bits = _mm512_set1_epi8(3);
  for (int q = 0; q < 4; ++q) {
    const int shift = q % 2 * 4;
    w[q] = _mm512_and_si512(shift_plane(from + q / 2 * 32, shift, shift + 2), bits);
  }
}

// Adds such codes as bits 4 and 5.
inline void add_plane_2(const uint8_t* from, __m512i w[4]) {
  __m512i pairs[4];
  unpack_pairs(from, pairs);
  for (int q = 0; q < 4; ++q) w[q] = _mm512_or_si512(w[q], _mm512_slli_epi16(pairs[q], 4));
}

// Each byte of `codes`, all below 16, as the byte of `table` that it counts.
inline __m512i look_up(const uint8_t table[16], __m512i codes) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(table));
  return _mm512_shuffle_epi8(_mm512_broadcast_i32x4(bytes), codes);
}

// 32-bit sums of both panels: two lanes a row, in the vectors' order of rows.
struct LaneSums {
  __m512i first, second;
};

// start + the products of kVectors vectors of each panel with 8 kVectors activations.
template <int kVectors>
inline LaneSums dot(const __m512i* first, const __m512i* second, const int8_t* a,
                    __m512i start = _mm512_setzero_si512()) {
  LaneSums sums = {start, start};
  for (int q = 0; q < kVectors; ++q) {
    const __m512i eight = broadcast_eight(a + 8 * q);
    sums.first = _mm512_dpbusd_epi32(sums.first, first[q], eight);
    sums.second = _mm512_dpbusd_epi32(sums.second, second[q], eight);
  }
  return sums;
}

// One sum a row: rows 0 to 7 of the first panel, then of the second.
inline __m512i fold(LaneSums sums) {
  const __m512i even = _mm512_setr_epi32(0, 2, 8, 10, 4, 6, 12, 14, 16, 18, 24, 26, 20, 22, 28, 30);
  const __m512i odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
  return _mm512_add_epi32(_mm512_permutex2var_epi32(sums.first, even, sums.second),
                          _mm512_permutex2var_epi32(sums.first, odd, sums.second));
}

// sum + factor * (the two 16-bit lanes of a word pair).
template <int kFactor>
inline __m512i add_words(__m512i sum, const int32_t* pair) {
  return _mm512_dpwssd_epi32(sum, broadcast_four(pair), _mm512_set1_epi16(kFactor));
}

}  // namespace
}  // namespace hearth::compute::cpu
