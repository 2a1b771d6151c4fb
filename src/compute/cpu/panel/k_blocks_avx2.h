// The blocks of Q2_K, Q3_K, Q4_K and Q6_K for AVX2 and AVX-VNNI, and what the end of a k-quant's
// block takes of the sums of its activations. Everything has internal linkage, as *_avx2.cc files
// require.
//
// A Dot is how an instruction set adds products: words<kPairs>() gives those of a row's activations
// as two 16-bit words, of which the sum counts; signed_words<kOffset>() those of 16 codes less
// kOffset, of a row's first or second half; and add_pairs() adds the products of words and scales.
#pragma once

#include "compute/cpu/panel/blocks_of_256_avx2.h"
#include "compute/cpu/panel/k_scales_avx2.h"

namespace hearth::compute::cpu {
namespace {

// The Dot of AVX2.
struct MultiplyAdd {
  template <int kPairs>
  static __m256i words(const __m256i* w, const int8_t* a) {
    return fold(dot<kPairs>(w, a));
  }
  template <int kOffset>
  static __m256i signed_words(const __m256i* w, const SubBlockRows& rows, int64_t r, int half) {
    static_assert(kOffset == 32 || kOffset == 4);
    const __m256i offset = broadcast_four(rows.offsets_32 + 2 * r + half);  // times 32
    return _mm256_sub_epi16(words<2>(w, rows.codes + 32 * r + 16 * half),
                            kOffset == 32 ? offset : _mm256_srai_epi16(offset, 3));
  }
  static __m256i add_pairs(__m256i sums, __m256i a, __m256i b) {
    return _mm256_add_epi32(sums, _mm256_madd_epi16(a, b));
  }
};

// Sum over sub-blocks of 32 of word * sum of a; `words` has those of sub-blocks 2 p, 2 p + 1.
template <class Dot>
inline __m256i dot_sums_32(const __m256i words[4], const TailRow& row) {
  const int16_t* sums_32 = row.sums_32;
  const __m256i even = _mm256_madd_epi16(words[0], broadcast_four(sums_32));
  const __m256i odd = _mm256_madd_epi16(words[1], broadcast_four(sums_32 + 2));
  return _mm256_add_epi32(Dot::add_pairs(even, words[2], broadcast_four(sums_32 + 4)),
                          Dot::add_pairs(odd, words[3], broadcast_four(sums_32 + 6)));
}

// 32 times the sum over sub-blocks of 16 of word * sum of a; words[i] has that of i, twice.
template <class Dot>
inline __m256i dot_sums_16(const __m256i words[16], const TailRow& row) {
  const int32_t* offsets = row.offsets_32;
  __m256i even = _mm256_setzero_si256(), odd = even;
  for (int j = 0; j < 8; ++j, offsets += row.stride) {
    even = Dot::add_pairs(even, words[2 * j], broadcast_four(offsets));
    odd = Dot::add_pairs(odd, words[2 * j + 1], broadcast_four(offsets + 1));
  }
  return _mm256_add_epi32(even, odd);
}

// What a block whose mins give `min_sum` adds to one row's sums.
inline __m256 add_with_mins(__m256 acc, __m256i sum, __m256 d, __m256i min_sum, __m256 dmin,
                            float activation_scale) {
  const __m256 scale = _mm256_set1_ps(activation_scale);
  acc = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sum), _mm256_mul_ps(d, scale), acc);
  return _mm256_fnmadd_ps(_mm256_cvtepi32_ps(min_sum), _mm256_mul_ps(dmin, scale), acc);
}

// Eight mins a row.
template <class Dot>
struct MinTail {
  explicit MinTail(const uint8_t* block, const ScalesAndMins& scales)
      : d(load_halfs(block)), dmin(load_halfs(block + 16)) {
    for (int p = 0; p < 4; ++p) mins[p] = spread_pairs(scales.mins + 16 * p);
  }
  __m256 add(__m256 acc, __m256i sum, const TailRow& row) const {
    return add_with_mins(acc, sum, d, dot_sums_32<Dot>(mins, row), dmin, row.scale);
  }
  __m256 d, dmin;
  __m256i mins[4];
};

// Nibbles that are the codes, and an unsigned scale a row.
template <class Dot>
struct NibbleSubBlock {
  template <class Block>
  NibbleSubBlock(const Block& block, const uint8_t* from, int j)
      : scale(spread_unsigned(block.scales.scales + 8 * j)) {
    unpack_nibbles(from, w);
  }
  __m256i add(__m256i sums, const SubBlockRows& rows, int64_t r) const {
    return Dot::add_pairs(sums, Dot::template words<4>(w, rows.codes + 32 * r), scale);
  }
  __m256i w[8];
  __m256i scale;
};

template <class Dot>
struct BlockQ4_K {
  static constexpr int kCodesAt = 128, kSubBlockBytes = 128;
  using SubBlock = NibbleSubBlock<Dot>;
  explicit BlockQ4_K(const uint8_t* block) : scales(block + 32), tail(block, scales) {}
  ScalesAndMins scales;
  MinTail<Dot> tail;
};

// Sixteen signed scales a row, and codes that have kOffset too much.
template <class Dot, int kOffset>
struct SubBlockOf16 {
  SubBlockOf16(const uint8_t* scales, int j)
      : first(spread_signed(scales + 16 * j)), second(spread_signed(scales + 16 * j + 8)) {}
  __m256i add(__m256i sums, const SubBlockRows& rows, int64_t r) const {
    sums = Dot::add_pairs(sums, Dot::template signed_words<kOffset>(w, rows, r, 0), first);
    return Dot::add_pairs(sums, Dot::template signed_words<kOffset>(w + 4, rows, r, 1), second);
  }
  __m256i w[8];
  __m256i first, second;
};

template <class Dot>
struct BlockQ6_K {
  static constexpr int kCodesAt = 144, kSubBlockBytes = 192;
  explicit BlockQ6_K(const uint8_t* block) : scales(block + 16), tail{load_halfs(block)} {}
  struct SubBlock : SubBlockOf16<Dot, 32> {
    SubBlock(const BlockQ6_K& block, const uint8_t* from, int j)
        : SubBlockOf16<Dot, 32>(block.scales, j) {
      unpack_nibbles(from, this->w);
      add_plane_2(from + 128, this->w);
    }
  };
  const uint8_t* scales;
  PlainTail tail;
};

template <class Dot>
struct BlockQ3_K {
  static constexpr int kCodesAt = 112, kSubBlockBytes = 96;
  explicit BlockQ3_K(const uint8_t* block) : scales(block + 16), tail{load_halfs(block)} {}
  struct SubBlock : SubBlockOf16<Dot, 4> {
    SubBlock(const BlockQ3_K& block, const uint8_t* from, int j)
        : SubBlockOf16<Dot, 4>(block.scales.scales, j) {
      unpack_pairs(from, this->w);
      add_plane_1<2>(from + 64, this->w);
    }
  };
  ScalesQ3_K scales;
  PlainTail tail;
};

// Sixteen mins a row, in the high nibbles of the scales.
template <class Dot>
struct TailQ2_K {
  explicit TailQ2_K(const uint8_t* block) : d(load_halfs(block)), dmin(load_halfs(block + 16)) {
    for (int i = 0; i < 16; ++i)
      mins[i] = _mm256_srli_epi16(spread_unsigned(block + 32 + 8 * i), 4);
  }
  __m256 add(__m256 acc, __m256i sum, const TailRow& row) const {
    const __m256i min_sum = _mm256_srai_epi32(dot_sums_16<Dot>(mins, row), 5);
    return add_with_mins(acc, sum, d, min_sum, dmin, row.scale);
  }
  __m256 d, dmin;
  __m256i mins[16];
};

template <class Dot>
struct BlockQ2_K {
  static constexpr int kCodesAt = 160, kSubBlockBytes = 64;
  explicit BlockQ2_K(const uint8_t* block) : scales(block + 32), tail(block) {}
  struct SubBlock {
    SubBlock(const BlockQ2_K& block, const uint8_t* from, int j) {
      const __m256i four = _mm256_set1_epi16(15);
      first = _mm256_and_si256(spread_unsigned(block.scales + 16 * j), four);
      second = _mm256_and_si256(spread_unsigned(block.scales + 16 * j + 8), four);
      unpack_pairs(from, w);
    }
    __m256i add(__m256i sums, const SubBlockRows& rows, int64_t r) const {
      const int8_t* a = rows.codes + 32 * r;
      sums = Dot::add_pairs(sums, Dot::template words<2>(w, a), first);
      return Dot::add_pairs(sums, Dot::template words<2>(w + 4, a + 16), second);
    }
    __m256i w[8];
    __m256i first, second;
  };
  const uint8_t* scales;
  TailQ2_K<Dot> tail;
};

}  // namespace
}  // namespace hearth::compute::cpu
