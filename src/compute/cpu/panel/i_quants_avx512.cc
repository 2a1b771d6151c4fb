// Products of two 8-row panels at once of the i-quants and the ternary types with rows of 8-bit
// activations, blocks of 256.
//
// Code book entries of IQ1 and IQ2 are looked up one by one, 8 rows to a vector, and signs applied
// by a mask, once for all rows of activations. Their rows lie in order: row r in 64-bit lane r. IQ3
// and IQ4_XS come as nibbles (format.h), rows as in k-quants' vectors.
//
// IQ1's codes, up to 25: 8 products of a 32-bit lane fit in 16 bits (8 * 25 * 127 = 25400), which
// vpdpwssd multiplies by the scale. So do 16 of IQ3_S's nibbles (16 * 15 * 127 = 30480), where n is
// the value 2 n - 15: the doubling waits for the block's end. The codes of the others take a 32-bit
// multiplication. What codes have too much is taken off at the block's end.
#include "compute/cpu/panel/blocks_of_256_avx512.h"
#include "compute/cpu/panel/byte_codes.h"
#include "compute/cpu/panel/i_quants.h"
#include "compute/cpu/panel/k_scales_avx2.h"

namespace hearth::compute::cpu {
namespace {

// The entries of eight rows, 8 values each.
inline __m512i load_group(const uint64_t* book, const uint16_t* index) {
  const auto two = [&](int r) {
    return _mm_set_epi64x(static_cast<int64_t>(book[index[r + 1]]),
                          static_cast<int64_t>(book[index[r]]));
  };
  const __m256i low = _mm256_set_m128i(two(2), two(0)), high = _mm256_set_m128i(two(6), two(4));
  return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
}

template <class Format>
inline void load_codes(const uint8_t* from, __m512i w[4]) {
  Entries entries;
  Format::load_entries(from, entries);
  for (int q = 0; q < 4; ++q) {
    const __m512i group = load_group(Format::kBook, entries.index + 8 * q);
    const __m512i base = Format::kHasShift ? group : _mm512_set1_epi8(Format::kOffset);
    const __m512i term = Format::kHasShift ? _mm512_set1_epi8(1) : group;
    const auto is_negative = static_cast<__mmask64>(entries.signs[q]);
    w[q] = _mm512_mask_sub_epi8(_mm512_add_epi8(base, term), is_negative, base, term);
  }
}

// One sum a row: rows 0 to 7 of the first panel, then of the second.
inline __m512i fold_in_order(LaneSums sums) {
  const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  const __m512i odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
  return _mm512_add_epi32(_mm512_permutex2var_epi32(sums.first, even, sums.second),
                          _mm512_permutex2var_epi32(sums.first, odd, sums.second));
}

// The scales of eight rows, each in both 32-bit lanes of its row.
inline __m512i spread_in_order(const uint8_t* scales) {
  return _mm512_shuffle_epi32(_mm512_cvtepu8_epi64(load_eight(scales)), _MM_PERM_CCAA);
}

template <class Format>
struct BookBlock {
  static constexpr int kCodesAt = kSubBlocksAt, kSubBlockBytes = Format::kSubBlockBytes;
  static constexpr int kScales = Format::kScales;
  static constexpr bool kFitsWords = 8 * Format::kMostCode * 127 < 1 << 15;

  BookBlock(const uint8_t* from, const uint8_t* other)
      : d(_mm512_mul_ps(load_halfs(from, other), _mm512_set1_ps(Format::kFactor))) {
    for (int j = 0; j < 8; ++j) {
      const int at = kSubBlocksAt + kSubBlockBytes * j;
      Format::load_scales(from + at, first + 8 * kScales * j);
      Format::load_scales(other + at, second + 8 * kScales * j);
    }
    for (int i = 0; i < kWords; ++i) {
      const uint8_t *a = first + 64 * kScales / kWords * i, *b = second + (a - first);
      const int next = kScales == 1 ? 8 : 0;
      words[i] = unsigned_words({a, a + next}, {b, b + next});
    }
  }
  __m512 add(__m512 acc, __m512i sum, const TailRow& row) const {
    __m512i excess;
    if constexpr (kScales == 1) {
      excess = _mm512_mullo_epi32(dot_sums_32(words, row), _mm512_set1_epi32(Format::kOffset));
    } else {
      constexpr int kOf32 = 5;  // dot_sums_16 gives 32 times the sum
      excess = _mm512_mullo_epi32(_mm512_srai_epi32(dot_sums_16(words, row), kOf32),
                                  _mm512_set1_epi32(Format::kOffset));
    }
    return add_float(acc, _mm512_sub_epi32(sum, excess), d, row.scale);
  }

  struct SubBlock {
    SubBlock(const BookBlock& block, const uint8_t* from, const uint8_t* other, int j) {
      for (int h = 0; h < kScales; ++h) {
        const int at = 8 * (kScales * j + h);
        scale[h] = {spread_in_order(block.first + at), spread_in_order(block.second + at)};
      }
      load_codes<Format>(from, first);
      load_codes<Format>(other, second);
    }
    LaneSums add(LaneSums total, const int8_t* a) const {
      const LaneSums& last = scale[kScales - 1];
      if constexpr (kFitsWords) {
        total = add_scaled<0, 2>(total, first, second, a, scale[0]);
        return add_scaled<2, 2>(total, first, second, a, last);
      } else if constexpr (kScales == 1) {
        return add_wide<0, 4>(total, a, last);
      } else {
        total = add_wide<0, 2>(total, a, scale[0]);
        return add_wide<2, 2>(total, a, last);
      }
    }
    template <int kFrom, int kVectors>
    LaneSums add_wide(LaneSums total, const int8_t* a, const LaneSums& by) const {
      const LaneSums sums = dot<kVectors>(first + kFrom, second + kFrom, a + 8 * kFrom);
      return {_mm512_add_epi32(total.first, _mm512_mullo_epi32(sums.first, by.first)),
              _mm512_add_epi32(total.second, _mm512_mullo_epi32(sums.second, by.second))};
    }
    __m512i first[4], second[4];
    LaneSums scale[kScales];
  };

  static constexpr int kWords = kScales == 1 ? 4 : 16;
  __m512 d;
  alignas(64) uint8_t first[64 * kScales], second[64 * kScales];  // scales [sub-block][half][row]
  __m512i words[kWords];
};

// Nibbles with the scales of IQ4_XS, and values that are multiples of d * factor.
struct NibbleBlock {
  static constexpr int kCodesAt = 64, kSubBlockBytes = 128;
  NibbleBlock(const uint8_t* from, const uint8_t* other, float factor)
      : first(from + 16),
        second(other + 16),
        d(_mm512_mul_ps(load_halfs(from, other), _mm512_set1_ps(factor))) {
    for (int p = 0; p < 4; ++p) {
      const uint8_t *a = first.scales + 16 * p, *b = second.scales + 16 * p;
      words[p] = signed_words({a, a + 8}, {b, b + 8});
    }
  }
  ScalesIQ4_XS first, second;
  __m512 d;
  __m512i words[4];
};

struct BlockIQ3_S : NibbleBlock {
  BlockIQ3_S(const uint8_t* from, const uint8_t* other) : NibbleBlock(from, other, 1.0f) {}
  __m512 add(__m512 acc, __m512i sum, const TailRow& row) const {
    const __m512i excess = _mm512_mullo_epi32(dot_sums_32(words, row), _mm512_set1_epi32(15));
    return add_float(acc, _mm512_sub_epi32(_mm512_slli_epi32(sum, 1), excess), d, row.scale);
  }
  using SubBlock = NibbleSubBlock;
};

// Where nibble n is a byte of a list: kCodes[n] = 2^kOffsetBits + value / kFactor.
struct ListIQ3_XXS {
  static constexpr const auto& kCodes = kIq3XxsPlus32;
  static constexpr int kOffsetBits = 5;
  static constexpr float kFactor = 0.5f;
};
struct ListIQ4_XS {
  static constexpr const auto& kCodes = kIq4Plus128;
  static constexpr int kOffsetBits = 7;
  static constexpr float kFactor = 1.0f;
};

template <class List>
struct ListBlock : NibbleBlock {
  ListBlock(const uint8_t* from, const uint8_t* other) : NibbleBlock(from, other, List::kFactor) {}
  __m512 add(__m512 acc, __m512i sum, const TailRow& row) const {
    const __m512i excess = _mm512_slli_epi32(dot_sums_32(words, row), List::kOffsetBits);
    return add_float(acc, _mm512_sub_epi32(sum, excess), d, row.scale);
  }
  struct SubBlock {
    SubBlock(const ListBlock& block, const uint8_t* from, const uint8_t* other, int j)
        : scale{widen(spread_signed(block.first.scales + 8 * j)),
                widen(spread_signed(block.second.scales + 8 * j))} {
      unpack_nibbles(from, first);
      unpack_nibbles(other, second);
      for (int q = 0; q < 4; ++q) {
        first[q] = look_up(List::kCodes, first[q]);
        second[q] = look_up(List::kCodes, second[q]);
      }
    }
    static __m512i widen(__m512i words) {
      return _mm512_srai_epi32(_mm512_slli_epi32(words, 16), 16);
    }
    LaneSums add(LaneSums total, const int8_t* a) const {
      const LaneSums sums = dot<4>(first, second, a);
      return {_mm512_add_epi32(total.first, _mm512_mullo_epi32(sums.first, scale.first)),
              _mm512_add_epi32(total.second, _mm512_mullo_epi32(sums.second, scale.second))};
    }
    __m512i first[4], second[4];
    LaneSums scale;
  };
};

// One scale, the block's; rows lie as k-quants' do.
struct TernaryBlock {
  static constexpr int kCodesAt = 16, kSubBlockBytes = 64;
  TernaryBlock(const uint8_t* from, const uint8_t* other) : d(load_halfs(from, other)) {}
  __m512 add(__m512 acc, __m512i sum, const TailRow& row) const {
    const __m512i one = _mm512_set1_epi16(1), words[4] = {one, one, one, one};
    return add_float(acc, _mm512_sub_epi32(sum, dot_sums_32(words, row)), d, row.scale);
  }
  struct SubBlock {
    SubBlock(const TernaryBlock&, const uint8_t* from, const uint8_t* other, int) {
      unpack_pairs(from, first);
      unpack_pairs(other, second);
    }
    LaneSums add(LaneSums total, const int8_t* a) const {
      const LaneSums sums = dot<4>(first, second, a);
      return {_mm512_add_epi32(total.first, sums.first),
              _mm512_add_epi32(total.second, sums.second)};
    }
    __m512i first[4], second[4];
  };
  __m512 d;
};

template <class Format>
void multiply_book(const PanelTile& tile) {
  multiply<BookBlock<Format>, fold_in_order>(tile);
}

}  // namespace

void multiply_pair_iq1_s_avx512(const PanelTile& tile) { multiply_book<FormatIQ1_S>(tile); }
void multiply_pair_iq1_m_avx512(const PanelTile& tile) { multiply_book<FormatIQ1_M>(tile); }
void multiply_pair_iq2_xxs_avx512(const PanelTile& tile) { multiply_book<FormatIQ2_XXS>(tile); }
void multiply_pair_iq2_xs_avx512(const PanelTile& tile) { multiply_book<FormatIQ2_XS>(tile); }
void multiply_pair_iq2_s_avx512(const PanelTile& tile) { multiply_book<FormatIQ2_S>(tile); }
void multiply_pair_iq3_xxs_avx512(const PanelTile& tile) { multiply<ListBlock<ListIQ3_XXS>>(tile); }
void multiply_pair_iq3_s_avx512(const PanelTile& tile) { multiply<BlockIQ3_S>(tile); }
void multiply_pair_iq4_xs_avx512(const PanelTile& tile) { multiply<ListBlock<ListIQ4_XS>>(tile); }
void multiply_pair_ternary_avx512(const PanelTile& tile) { multiply<TernaryBlock>(tile); }

}  // namespace hearth::compute::cpu
