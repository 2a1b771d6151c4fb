// Products of 8-row panels of IQ1, IQ2, IQ3 and of the ternary types with rows of 8-bit
// activations, blocks of 256.
//
// Code book entries of IQ1 and IQ2 are looked up one by one, 4 rows to a vector, once for all rows
// of activations. Their rows lie in order: vectors 2 q have rows 0 to 3, 2 q + 1 rows 4 to 7.
//
// IQ1's codes, up to 25, sum in 16 bits over a sub-block, 4 * 2 * 25 * 127 = 25400; those of IQ2,
// up to 107, over a pair alone (2 * 107 * 127 = 27178), so vpmaddwd takes the scale to each vector.
// What codes have too much is taken off at the block's end.
//
// IQ3 comes as nibbles (format.h), rows as in k-quants' vectors. A nibble n of IQ3_S is the value
// 2 n - 15, so products go as Q4_K's (8 * 2 * 15 * 127 = 30480) and are doubled at the block's end;
// the halves of IQ3_XXS's values, up to 31, go as Q6_K's (4 * 2 * 31 * 127 = 31496, modulo 2^16).
#include "compute/cpu/panel/byte_codes.h"
#include "compute/cpu/panel/i_quants.h"
#include "compute/cpu/panel/k_blocks_avx2.h"

namespace hearth::compute::cpu {
namespace {

// The entries of four rows, 8 values each.
inline __m256i load_rows(const uint64_t* book, const uint16_t* index) {
  return _mm256_setr_epi64x(
      static_cast<int64_t>(book[index[0]]), static_cast<int64_t>(book[index[1]]),
      static_cast<int64_t>(book[index[2]]), static_cast<int64_t>(book[index[3]]));
}

// All bits of byte i of the vector where bit i of `signs` is set.
inline __m256i spread_signs(uint32_t signs) {
  const __m256i to_bytes =
      _mm256_setr_epi64x(0, kEachByte, 2 * kEachByte, 3 * static_cast<int64_t>(kEachByte));
  const __m256i bit = _mm256_set1_epi64x(static_cast<int64_t>(0x8040201008040201u));
  const __m256i bytes = _mm256_shuffle_epi8(_mm256_set1_epi32(static_cast<int>(signs)), to_bytes);
  return _mm256_cmpeq_epi8(_mm256_and_si256(bytes, bit), bit);
}

template <class Format>
inline void load_codes(const uint8_t* from, __m256i w[8]) {
  Entries entries;
  Format::load_entries(from, entries);
  for (int v = 0; v < 8; ++v) {
    const __m256i rows = load_rows(Format::kBook, entries.index + 4 * v);
    const __m256i base = Format::kHasShift ? rows : _mm256_set1_epi8(Format::kOffset);
    const __m256i term = Format::kHasShift ? _mm256_set1_epi8(1) : rows;
    const __m256i mask = spread_signs(static_cast<uint32_t>(entries.signs[v / 2] >> v % 2 * 32));
    w[v] = _mm256_add_epi8(base, _mm256_sub_epi8(_mm256_xor_si256(term, mask), mask));
  }
}

// The scales of rows 0 to 3, or 4 to 7, each in the four 16-bit lanes of its row.
inline __m256i spread_four(const uint8_t* scales) {
  int32_t four;
  __builtin_memcpy(&four, scales, sizeof four);
  const __m256i rows = _mm256_cvtepu8_epi64(_mm_cvtsi32_si128(four));
  const __m256i low_word = _mm256_setr_epi8(0, -1, 0, -1, 0, -1, 0, -1, 8, -1, 8, -1, 8, -1, 8, -1,
                                            0, -1, 0, -1, 0, -1, 0, -1, 8, -1, 8, -1, 8, -1, 8, -1);
  return _mm256_shuffle_epi8(rows, low_word);
}

template <class Format>
struct BookTail {
  static constexpr int kScales = Format::kScales;
  static constexpr int kWords = kScales == 1 ? 4 : 16;
  BookTail(const uint8_t* from, const uint8_t* scales)
      : d(_mm256_mul_ps(load_halfs(from), _mm256_set1_ps(Format::kFactor))) {
    for (int i = 0; i < kWords; ++i)
      words[i] = kScales == 1 ? spread_pairs(scales + 16 * i) : spread_unsigned(scales + 8 * i);
  }
  __m256 add(__m256 acc, __m256i sum, const TailRow& row) const {
    const __m256i in_order = _mm256_permute4x64_epi64(sum, 0xD8);
    const __m256i excess = _mm256_mullo_epi32(scaled_sum(row), _mm256_set1_epi32(Format::kOffset));
    const __m256 scale = _mm256_mul_ps(d, _mm256_set1_ps(row.scale));
    return _mm256_fmadd_ps(_mm256_cvtepi32_ps(_mm256_sub_epi32(in_order, excess)), scale, acc);
  }
  // Sum over sub-blocks of scale * sum of a.
  __m256i scaled_sum(const TailRow& row) const {
    if constexpr (kScales == 1) {
      return dot_sums_32<MultiplyAdd>(words, row);
    } else {
      return _mm256_srai_epi32(dot_sums_16<MultiplyAdd>(words, row), 5);
    }
  }
  __m256 d;
  __m256i words[kWords];
};

// Scales of all sub-blocks, [sub-block][half][row].
template <class Format>
struct BookScales {
  explicit BookScales(const uint8_t* from) {
    for (int j = 0; j < 8; ++j) {
      Format::load_scales(from + kSubBlocksAt + Format::kSubBlockBytes * j,
                          bytes + 8 * Format::kScales * j);
    }
  }
  alignas(32) uint8_t bytes[64 * Format::kScales];
};

template <class Format>
struct BookBlock {
  static constexpr int kCodesAt = kSubBlocksAt, kSubBlockBytes = Format::kSubBlockBytes;
  static constexpr int kScales = Format::kScales;
  static constexpr bool kFitsWords = 4 * 2 * Format::kMostCode * 127 < 1 << 15;
  explicit BookBlock(const uint8_t* from) : scales(from), tail(from, scales.bytes) {}

  struct SubBlock {
    SubBlock(const BookBlock& block, const uint8_t* from, int j) {
      for (int h = 0; h < kScales; ++h) {
        const uint8_t* of_half = block.scales.bytes + 8 * (kScales * j + h);
        first[h] = spread_four(of_half);
        second[h] = spread_four(of_half + 4);
      }
      load_codes<Format>(from, w);
    }
    __m256i product(const SubBlockRows& rows, int64_t r) const {
      const int8_t* a = rows.codes + 32 * r;
      if constexpr (kScales == 1) {
        return half_product<0, 4>(a, 0);
      } else {
        return _mm256_add_epi32(half_product<0, 2>(a, 0), half_product<2, 2>(a, 1));
      }
    }
    // Of kPairs pairs of vectors from pair kFrom on.
    template <int kFrom, int kPairs>
    __m256i half_product(const int8_t* a, int h) const {
      if constexpr (kFitsWords) {
        const RowWords words = dot<kPairs>(w + 2 * kFrom, a + 8 * kFrom);
        return fold_wide(_mm256_madd_epi16(words.first, first[h]),
                         _mm256_madd_epi16(words.second, second[h]));
      }
      __m256i low = _mm256_setzero_si256(), high = low;
      for (int q = kFrom; q < kFrom + kPairs; ++q) {
        const __m256i eight = broadcast_eight(a + 8 * q);
        const __m256i low_words = _mm256_maddubs_epi16(w[2 * q], eight);
        const __m256i high_words = _mm256_maddubs_epi16(w[2 * q + 1], eight);
        low = _mm256_add_epi32(low, _mm256_madd_epi16(low_words, first[h]));
        high = _mm256_add_epi32(high, _mm256_madd_epi16(high_words, second[h]));
      }
      return fold_wide(low, high);
    }
    __m256i w[8];
    __m256i first[kScales], second[kScales];
  };
  BookScales<Format> scales;
  BookTail<Format> tail;
};

struct BlockIQ3_XXS {
  static constexpr int kCodesAt = 64, kSubBlockBytes = 128;
  explicit BlockIQ3_XXS(const uint8_t* block)
      : scales(block + 16), tail{_mm256_mul_ps(load_halfs(block), _mm256_set1_ps(0.5f))} {}
  struct SubBlock {
    SubBlock(const BlockIQ3_XXS& block, const uint8_t* from, int j)
        : scale(spread_unsigned(block.scales.scales + 8 * j)) {
      unpack_nibbles(from, w);
      for (__m256i& codes : w) codes = look_up(kIq3XxsPlus32, codes);
    }
    __m256i add(__m256i sums, const SubBlockRows& rows, int64_t r) const {
      sums = MultiplyAdd::add_pairs(sums, MultiplyAdd::signed_words<32>(w, rows, r, 0), scale);
      return MultiplyAdd::add_pairs(sums, MultiplyAdd::signed_words<32>(w + 4, rows, r, 1), scale);
    }
    __m256i w[8];
    __m256i scale;
  };
  ScalesIQ4_XS scales;
  PlainTail tail;
};

struct TailIQ3_S {
  TailIQ3_S(const uint8_t* block, const ScalesIQ4_XS& scales) : plain{load_halfs(block)} {
    for (int p = 0; p < 4; ++p) words[p] = spread_pairs(scales.scales + 16 * p);
  }
  __m256 add(__m256 acc, __m256i sum, const TailRow& row) const {
    const __m256i excess =
        _mm256_mullo_epi32(dot_sums_32<MultiplyAdd>(words, row), _mm256_set1_epi32(15));
    return plain.add(acc, _mm256_sub_epi32(_mm256_slli_epi32(sum, 1), excess), row);
  }
  PlainTail plain;
  __m256i words[4];
};

struct BlockIQ3_S {
  static constexpr int kCodesAt = 64, kSubBlockBytes = 128;
  using SubBlock = NibbleSubBlock<MultiplyAdd>;
  explicit BlockIQ3_S(const uint8_t* block) : scales(block + 16), tail(block, scales) {}
  ScalesIQ4_XS scales;
  TailIQ3_S tail;
};

// One scale, the block's; rows lie as k-quants' do.
struct TernaryBlock {
  static constexpr int kCodesAt = 16, kSubBlockBytes = 64;
  explicit TernaryBlock(const uint8_t* from) : tail{load_halfs(from)} {}
  struct Tail {
    __m256 add(__m256 acc, __m256i sum, const TailRow& row) const {
      __m256i excess = _mm256_setzero_si256();
      for (int p = 0; p < 4; ++p) {
        const __m256i pair = add_lane_pairs(broadcast_four(row.sums_32 + 2 * p));
        excess = _mm256_add_epi32(excess, pair);
      }
      const __m256 scale = _mm256_mul_ps(d, _mm256_set1_ps(row.scale));
      return _mm256_fmadd_ps(_mm256_cvtepi32_ps(_mm256_sub_epi32(sum, excess)), scale, acc);
    }
    __m256 d;
  };
  struct SubBlock {
    SubBlock(const TernaryBlock&, const uint8_t* from, int) { unpack_pairs(from, w); }
    __m256i product(const SubBlockRows& rows, int64_t r) const {
      return add_lane_pairs(fold(dot<4>(w, rows.codes + 32 * r)));
    }
    __m256i w[8];
  };
  Tail tail;
};

}  // namespace

void multiply_iq1_s_avx2(const PanelTile& tile) { multiply<BookBlock<FormatIQ1_S>>(tile); }
void multiply_iq1_m_avx2(const PanelTile& tile) { multiply<BookBlock<FormatIQ1_M>>(tile); }
void multiply_iq2_xxs_avx2(const PanelTile& tile) { multiply<BookBlock<FormatIQ2_XXS>>(tile); }
void multiply_iq2_xs_avx2(const PanelTile& tile) { multiply<BookBlock<FormatIQ2_XS>>(tile); }
void multiply_iq2_s_avx2(const PanelTile& tile) { multiply<BookBlock<FormatIQ2_S>>(tile); }
void multiply_iq3_xxs_avx2(const PanelTile& tile) { multiply<BlockIQ3_XXS>(tile); }
void multiply_iq3_s_avx2(const PanelTile& tile) { multiply<BlockIQ3_S>(tile); }
void multiply_ternary_avx2(const PanelTile& tile) { multiply<TernaryBlock>(tile); }

}  // namespace hearth::compute::cpu
