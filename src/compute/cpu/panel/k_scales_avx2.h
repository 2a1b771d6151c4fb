// The integer scales of a k-quant's panel block as bytes [sub-block][row], for the AVX2,
// AVX-VNNI and AVX-512 kernels. Everything has internal linkage, as their files require.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace hearth::compute::cpu {
namespace {

inline __m256i load_32(const uint8_t* from) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
}

// The 6-bit scales and mins of Q4_K and Q5_K as bytes [sub-block][row].
struct ScalesAndMins {
  explicit ScalesAndMins(const uint8_t* from) {
    const __m256i four = _mm256_set1_epi8(15), two = _mm256_set1_epi8(48);
    const __m256i low = load_32(from), high = load_32(from + 32);
    const __m256i top = load_32(from + 64);
    const auto join = [&](__m256i nibbles, __m256i bits, uint8_t* to) {
      const __m256i joined = _mm256_or_si256(nibbles, _mm256_and_si256(bits, two));
      _mm256_store_si256(reinterpret_cast<__m256i*>(to), joined);
    };
    join(_mm256_and_si256(low, four), _mm256_slli_epi16(top, 4), scales);
    join(_mm256_and_si256(high, four), _mm256_slli_epi16(top, 2), scales + 32);
    join(_mm256_and_si256(_mm256_srli_epi16(low, 4), four), top, mins);
    join(_mm256_and_si256(_mm256_srli_epi16(high, 4), four), _mm256_srli_epi16(top, 2), mins + 32);
  }
  alignas(32) uint8_t scales[64];
  alignas(32) uint8_t mins[64];
};

// The 6-bit scales of Q3_K less 32, as bytes [sub-block][row].
struct ScalesQ3_K {
  explicit ScalesQ3_K(const uint8_t* from) {
    const __m256i four = _mm256_set1_epi8(15), two = _mm256_set1_epi8(48);
    const __m256i high = load_32(from + 64);
    for (int i = 0; i < 4; ++i) {  // sub-blocks 4 i to 4 i + 3
      const __m256i low = load_32(from + i % 2 * 32);
      const __m256i nibbles = _mm256_and_si256(i < 2 ? low : _mm256_srli_epi16(low, 4), four);
      const __m256i moved =
          i < 2 ? _mm256_slli_epi16(high, 4 - 2 * i) : _mm256_srli_epi16(high, 2 * i - 4);
      const __m256i joined = _mm256_or_si256(nibbles, _mm256_and_si256(moved, two));
      _mm256_store_si256(reinterpret_cast<__m256i*>(scales + 32 * i),
                         _mm256_sub_epi8(joined, _mm256_set1_epi8(32)));
    }
  }
  alignas(32) uint8_t scales[128];
};

// The 6-bit scales of IQ4_XS less 32, as bytes [sub-block][row].
struct ScalesIQ4_XS {
  explicit ScalesIQ4_XS(const uint8_t* from) {
    const __m256i four = _mm256_set1_epi8(15), two = _mm256_set1_epi8(3);
    const __m256i nibbles = load_32(from);
    const __m256i even = _mm256_and_si256(nibbles, four);  // sub-blocks 0, 2 and 4, 6
    const __m256i odd = _mm256_and_si256(_mm256_srli_epi16(nibbles, 4), four);
    const __m128i bits = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + 32));
    const __m256i high = _mm256_permute4x64_epi64(_mm256_castsi128_si256(bits), 0x50);
    const auto store = [&](__m256i low, __m256i shifts, uint8_t* to) {
      const __m256i top = _mm256_and_si256(_mm256_srlv_epi64(high, shifts), two);
      const __m256i scale = _mm256_or_si256(low, _mm256_slli_epi16(top, 4));
      const __m256i signed_scale = _mm256_sub_epi8(scale, _mm256_set1_epi8(32));
      _mm256_storeu2_m128i(reinterpret_cast<__m128i*>(to + 32), reinterpret_cast<__m128i*>(to),
                           signed_scale);
    };
    store(_mm256_unpacklo_epi64(even, odd), _mm256_setr_epi64x(0, 2, 0, 2), scales);
    store(_mm256_unpackhi_epi64(even, odd), _mm256_setr_epi64x(4, 6, 4, 6), scales + 16);
  }
  alignas(32) uint8_t scales[64];
};

}  // namespace
}  // namespace hearth::compute::cpu
