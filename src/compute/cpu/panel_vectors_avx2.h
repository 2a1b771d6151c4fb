// Pieces of the AVX2 panel kernels: vectors of codes from a panel block, and 16-bit dot products.
// Everything has internal linkage, as *_avx2.cc files require.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

namespace hearth::compute::cpu {
namespace {

// Ahead of the block in hand: DRAM's latency at some 10 bytes a nanosecond, and past the page where
// the hardware's own prefetch stops.
constexpr int kPrefetchBytes = 1536;

inline void prefetch_bytes(const uint8_t* block, int n_bytes) {
  for (int line = 0; line < n_bytes; line += 64) {
    _mm_prefetch(reinterpret_cast<const char*>(block + kPrefetchBytes + line), _MM_HINT_T0);
  }
}

inline __m256i load_bytes(const uint8_t* from) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
}

inline __m256 load_halfs(const uint8_t* from) {
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
}

// Four bytes at `from` in each 32-bit lane.
inline __m256i broadcast_four(const void* from) {
  int32_t four;
  __builtin_memcpy(&four, from, sizeof four);
  return _mm256_set1_epi32(four);
}

inline void unpack_nibbles(const uint8_t* from, __m256i w[8]) {
  const __m256i low = _mm256_set1_epi8(15);
  for (int j = 0; j < 4; ++j) {
    const __m256i pair = load_bytes(from + 32 * j);
    w[j] = _mm256_and_si256(pair, low);
    w[j + 4] = _mm256_and_si256(_mm256_srli_epi16(pair, 4), low);
  }
}

inline void add_plane_1(const uint8_t* from, __m256i w[8]) {
  const __m256i plane = load_bytes(from);
  const __m256i bit = _mm256_set1_epi8(16);
  for (int g = 0; g < 4; ++g) {
    const __m256i low = _mm256_and_si256(_mm256_slli_epi16(plane, 4 - g), bit);
    const __m256i high = _mm256_and_si256(_mm256_srli_epi16(plane, g), bit);
    w[g] = _mm256_or_si256(w[g], low);
    w[g + 4] = _mm256_or_si256(w[g + 4], high);
  }
}

inline void add_plane_2(const uint8_t* from, __m256i w[8]) {
  const __m256i bits = _mm256_set1_epi8(48);
  for (int half = 0; half < 2; ++half) {
    const __m256i plane = load_bytes(from + 32 * half);
    __m256i* v = w + 4 * half;
    v[0] = _mm256_or_si256(v[0], _mm256_and_si256(_mm256_slli_epi16(plane, 4), bits));
    v[1] = _mm256_or_si256(v[1], _mm256_and_si256(_mm256_slli_epi16(plane, 2), bits));
    v[2] = _mm256_or_si256(v[2], _mm256_and_si256(plane, bits));
    v[3] = _mm256_or_si256(v[3], _mm256_and_si256(_mm256_srli_epi16(plane, 2), bits));
  }
}

// 16-bit lanes 2 r and 2 r + 1: row r's products with columns 4 g, 4 g + 1 and 4 g + 2, 4 g + 3,
// summed over four g. A pair of products saturates at no code below 129 (2 * 128 * 127 = 32512).
inline __m256i dot_four(const __m256i w[4], const int8_t* a) {
  __m256i even = _mm256_maddubs_epi16(w[0], broadcast_four(a));
  __m256i odd = _mm256_maddubs_epi16(w[1], broadcast_four(a + 4));
  even = _mm256_add_epi16(even, _mm256_maddubs_epi16(w[2], broadcast_four(a + 8)));
  odd = _mm256_add_epi16(odd, _mm256_maddubs_epi16(w[3], broadcast_four(a + 12)));
  return _mm256_add_epi16(even, odd);
}

// Lanes summed over all eight g, modulo 2^16.
inline __m256i dot_eight(const __m256i w[8], const int8_t* a) {
  return _mm256_add_epi16(dot_four(w, a), dot_four(w + 4, a + 16));
}

inline __m256i add_lane_pairs(__m256i words) {
  return _mm256_madd_epi16(words, _mm256_set1_epi16(1));
}

}  // namespace
}  // namespace hearth::compute::cpu
