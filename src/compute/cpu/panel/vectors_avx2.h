// Pieces of the AVX2 panel kernels: vectors of codes from a panel block, and 16-bit dot products.
// Everything has internal linkage, as *_avx2.cc files require.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

namespace hearth::compute::cpu {
namespace {

// Ahead of the block in hand: DRAM's latency at some 30 bytes a nanosecond, and past the page where
// the hardware's own prefetch stops.
constexpr int kPrefetchBytes = 4096;

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

// Eight bytes at `from` in each 64-bit lane.
inline __m256i broadcast_eight(const void* from) {
  int64_t eight;
  __builtin_memcpy(&eight, from, sizeof eight);
  return _mm256_set1_epi64x(eight);
}

inline void unpack_nibbles(const uint8_t* from, __m256i w[8]) {
  const __m256i low = _mm256_set1_epi8(15);
  for (int j = 0; j < 4; ++j) {
    const __m256i pair = load_bytes(from + 32 * j);
    w[j] = _mm256_and_si256(pair, low);
    w[j + 4] = _mm256_and_si256(_mm256_srli_epi16(pair, 4), low);
  }
}

// Adds the plane as bit kTo of the codes.
template <int kTo>
inline void add_plane_1(const uint8_t* from, __m256i w[8]) {
  const __m256i plane = load_bytes(from);
  const __m256i bit = _mm256_set1_epi8(1 << kTo);
  for (int v = 0; v < 8; ++v) {
    const __m256i moved =
        v < kTo ? _mm256_slli_epi16(plane, kTo - v) : _mm256_srli_epi16(plane, v - kTo);
    w[v] = _mm256_or_si256(w[v], _mm256_and_si256(moved, bit));
  }
}

// Adds the planes as bits 4 and 5 of the codes.
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

// Codes of two bits.
inline void unpack_pairs(const uint8_t* from, __m256i w[8]) {
  const __m256i bits = _mm256_set1_epi8(3);
  for (int v = 0; v < 8; ++v) {
    const __m256i plane = load_bytes(from + v / 4 * 32);
    w[v] = _mm256_and_si256(_mm256_srli_epi16(plane, v % 4 * 2), bits);
  }
}

// Each byte of `codes`, all below 16, as the byte of `table` that it counts.
inline __m256i look_up(const uint8_t table[16], __m256i codes) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(table));
  return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(bytes), codes);
}

// The values of IQ4_NL and IQ4_XS plus 128, as two nibbles each.
constexpr uint8_t kIq4Low[16] = {1, 8, 13, 15, 15, 13, 10, 6, 1, 13, 9, 6, 5, 5, 9, 1};
constexpr uint8_t kIq4High[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 8, 9, 10, 11, 12, 13, 15};

// The values of MXFP4 plus 12.
constexpr uint8_t kMxfp4Codes[16] = {12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0};

// 16-bit sums modulo 2^16 of rows 0, 1, 4, 5 and of rows 2, 3, 6, 7: four lanes a row.
struct RowWords {
  __m256i first, second;
};

// The products of kPairs pairs of vectors with 8 kPairs activations. A pair of products saturates
// at no code below 129 (2 * 128 * 127 = 32512).
template <int kPairs>
inline RowWords dot(const __m256i* w, const int8_t* a) {
  const __m256i eight = broadcast_eight(a);
  __m256i first = _mm256_maddubs_epi16(w[0], eight);
  __m256i second = _mm256_maddubs_epi16(w[1], eight);
  for (int q = 1; q < kPairs; ++q) {
    const __m256i next = broadcast_eight(a + 8 * q);
    first = _mm256_add_epi16(first, _mm256_maddubs_epi16(w[2 * q], next));
    second = _mm256_add_epi16(second, _mm256_maddubs_epi16(w[2 * q + 1], next));
    // Keeps gcc from turning the chain into a tree, whose temporaries push scales out of registers:
    // 9 % of Q4_1's rate at 64 rows (Zen 3).
    asm("" : "+x"(first), "+x"(second));
  }
  return {first, second};
}

// The two 32-bit halves of each row's 64-bit lane, added as 16-bit lanes: rows 0 to 7 in order, two
// lanes a row, of columns k with k % 4 < 2 and of the others.
inline __m256i fold(RowWords sums) {
  const __m256 a = _mm256_castsi256_ps(sums.first), b = _mm256_castsi256_ps(sums.second);
  return _mm256_add_epi16(_mm256_castps_si256(_mm256_shuffle_ps(a, b, 0x88)),
                          _mm256_castps_si256(_mm256_shuffle_ps(a, b, 0xDD)));
}

// The same for 32-bit sums, two lanes a row, to one.
inline __m256i fold_wide(__m256i first, __m256i second) {
  const __m256 a = _mm256_castsi256_ps(first), b = _mm256_castsi256_ps(second);
  return _mm256_add_epi32(_mm256_castps_si256(_mm256_shuffle_ps(a, b, 0x88)),
                          _mm256_castps_si256(_mm256_shuffle_ps(a, b, 0xDD)));
}

inline __m256i add_lane_pairs(__m256i words) {
  return _mm256_madd_epi16(words, _mm256_set1_epi16(1));
}

}  // namespace
}  // namespace hearth::compute::cpu
