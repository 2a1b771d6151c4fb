// Products of 8-row panels of Q2_K, Q3_K, Q4_K, Q5_K, Q6_K and IQ4_XS with rows of 8-bit
// activations, blocks of 256.
//
//   acc[row] = fma(isum, d_w * d_a, acc)
//   acc[row] = fma(-imin, dmin_w * d_a, acc)              types with mins
//   isum = sum over sub-blocks of scale * sum of (code - offset) * a, in 32-bit integers
//   imin = sum over sub-blocks of min * sum of a
//
// Sub-block by sub-block as legacy_avx2.cc does blocks, but one vpmaddwd both widens the
// 16-bit sums and multiplies them by the sub-block's integer scale, held in each lane of its row;
// the 32-bit sums of the tile stay in the first-level cache until the block's end. What 16 bits
// hold:
//   Q4_K  8 * 2 * 15 * 127 = 30480
//   Q5_K  before the fold 4 * 2 * 31 * 127 = 31496, so widened before it
//   Q6_K  sub-blocks of 16, of code - 32: 4 * 2 * 32 * 127 = 32512, offsets taken off modulo 2^16
//   Q2_K, Q3_K  sub-blocks of 16: 4 * 2 * 7 * 127 = 7112
//   IQ4_XS  value + 128 as two nibbles, as Q8_0 there
//
// Limit on Zen 3: vector operations, as there; Q4_K has 19, Q5_K 20, Q6_K 24 for 256 products, and
// 5 to 7 loads. Measured with bench_panel_products on two cores of an EPYC Milan at 3.2 GHz, 32
// rows, GMAC/s: Q2_K 155, Q3_K 168, Q4_K 217, Q5_K 191, Q6_K 188, IQ4_XS 103; one row at 23 to 34
// GB/s, which is most of what the memory gives.
#include "compute/cpu/panel/blocks_of_256_avx2.h"
#include "compute/cpu/panel/k_scales_avx2.h"

namespace hearth::compute::cpu {
namespace {

// The same with eight mins a row.
struct MinTail {
  explicit MinTail(const uint8_t* block, const ScalesAndMins& scales)
      : d(load_halfs(block)), dmin(load_halfs(block + 16)) {
    for (int p = 0; p < 4; ++p) mins[p] = spread_pairs(scales.mins + 16 * p);
  }
  __m256 add(__m256 acc, __m256i sum, const TailRow& row) const {
    const __m256 scale = _mm256_set1_ps(row.scale);
    const int16_t* sums_32 = row.sums_32;
    __m256i even = _mm256_madd_epi16(mins[0], broadcast_four(sums_32));
    __m256i odd = _mm256_madd_epi16(mins[1], broadcast_four(sums_32 + 2));
    even = _mm256_add_epi32(even, _mm256_madd_epi16(mins[2], broadcast_four(sums_32 + 4)));
    odd = _mm256_add_epi32(odd, _mm256_madd_epi16(mins[3], broadcast_four(sums_32 + 6)));
    const __m256 min_sum = _mm256_cvtepi32_ps(_mm256_add_epi32(even, odd));
    acc = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sum), _mm256_mul_ps(d, scale), acc);
    return _mm256_fnmadd_ps(min_sum, _mm256_mul_ps(dmin, scale), acc);
  }
  __m256 d, dmin;
  __m256i mins[4];
};

struct BlockQ4_K {
  static constexpr int kCodesAt = 128, kSubBlockBytes = 128;
  explicit BlockQ4_K(const uint8_t* block) : scales(block + 32), tail(block, scales) {}
  struct SubBlock {
    SubBlock(const BlockQ4_K& block, const uint8_t* from, int j)
        : scale(spread_unsigned(block.scales.scales + 8 * j)) {
      unpack_nibbles(from, w);
    }
    __m256i product(const SubBlockRows& rows, int64_t r) const {
      return _mm256_madd_epi16(fold(dot<4>(w, rows.codes + 32 * r)), scale);
    }
    __m256i w[8];
    __m256i scale;
  };
  ScalesAndMins scales;
  MinTail tail;
};

struct BlockQ5_K {
  static constexpr int kCodesAt = 128, kSubBlockBytes = 160;
  explicit BlockQ5_K(const uint8_t* block) : scales(block + 32), tail(block, scales) {}
  struct SubBlock {
    SubBlock(const BlockQ5_K& block, const uint8_t* from, int j)
        : first(spread_first(block.scales.scales + 8 * j)),
          second(spread_second(block.scales.scales + 8 * j)) {
      unpack_nibbles(from, w);
      add_plane_1<4>(from + 128, w);
    }
    __m256i product(const SubBlockRows& rows, int64_t r) const {
      const RowWords words = dot<4>(w, rows.codes + 32 * r);
      return fold_wide(_mm256_madd_epi16(words.first, first),
                       _mm256_madd_epi16(words.second, second));
    }
    __m256i w[8];
    __m256i first, second;
  };
  ScalesAndMins scales;
  MinTail tail;
};

struct BlockQ6_K {
  static constexpr int kCodesAt = 144, kSubBlockBytes = 192;
  explicit BlockQ6_K(const uint8_t* block) : scales(block + 16), tail{load_halfs(block)} {}
  struct SubBlock {
    SubBlock(const BlockQ6_K& block, const uint8_t* from, int j)
        : first(spread_signed(block.scales + 16 * j)),
          second(spread_signed(block.scales + 16 * j + 8)) {
      unpack_nibbles(from, w);
      add_plane_2(from + 128, w);
    }
    __m256i product(const SubBlockRows& rows, int64_t r) const {
      const int8_t* a = rows.codes + 32 * r;
      const int32_t* offsets = rows.offsets_32 + 2 * r;
      const __m256i low = _mm256_sub_epi16(fold(dot<2>(w, a)), broadcast_four(offsets));
      const __m256i high =
          _mm256_sub_epi16(fold(dot<2>(w + 4, a + 16)), broadcast_four(offsets + 1));
      return _mm256_add_epi32(_mm256_madd_epi16(low, first), _mm256_madd_epi16(high, second));
    }
    __m256i w[8];
    __m256i first, second;
  };
  const uint8_t* scales;
  PlainTail tail;
};

struct BlockQ3_K {
  static constexpr int kCodesAt = 112, kSubBlockBytes = 96;
  explicit BlockQ3_K(const uint8_t* block) : scales(block + 16), tail{load_halfs(block)} {}
  struct SubBlock {
    SubBlock(const BlockQ3_K& block, const uint8_t* from, int j)
        : first(spread_signed(block.scales.scales + 16 * j)),
          second(spread_signed(block.scales.scales + 16 * j + 8)) {
      unpack_pairs(from, w);
      add_plane_1<2>(from + 64, w);
    }
    __m256i product(const SubBlockRows& rows, int64_t r) const {
      const int8_t* a = rows.codes + 32 * r;
      const int32_t* offsets = rows.offsets_32 + 2 * r;  // times 4 from times 32
      const __m256i low = _mm256_srai_epi16(broadcast_four(offsets), 3);
      const __m256i high = _mm256_srai_epi16(broadcast_four(offsets + 1), 3);
      return _mm256_add_epi32(
          _mm256_madd_epi16(_mm256_sub_epi16(fold(dot<2>(w, a)), low), first),
          _mm256_madd_epi16(_mm256_sub_epi16(fold(dot<2>(w + 4, a + 16)), high), second));
    }
    __m256i w[8];
    __m256i first, second;
  };
  ScalesQ3_K scales;
  PlainTail tail;
};

// Sixteen mins a row, against the sums of 16 codes: a word pair of offsets_32 is 32 times theirs.
struct TailQ2_K {
  explicit TailQ2_K(const uint8_t* block) : d(load_halfs(block)), dmin(load_halfs(block + 16)) {
    for (int i = 0; i < 16; ++i)
      mins[i] = _mm256_srli_epi16(spread_unsigned(block + 32 + 8 * i), 4);
  }
  __m256 add(__m256 acc, __m256i sum, const TailRow& row) const {
    const __m256 scale = _mm256_set1_ps(row.scale);
    const int32_t* offsets = row.offsets_32;
    __m256i min_sum = _mm256_setzero_si256();
    for (int j = 0; j < 8; ++j, offsets += row.stride) {
      const __m256i even = _mm256_madd_epi16(mins[2 * j], broadcast_four(offsets));
      const __m256i odd = _mm256_madd_epi16(mins[2 * j + 1], broadcast_four(offsets + 1));
      min_sum = _mm256_add_epi32(min_sum, _mm256_add_epi32(even, odd));
    }
    acc = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sum), _mm256_mul_ps(d, scale), acc);
    const __m256 mins_part = _mm256_cvtepi32_ps(_mm256_srai_epi32(min_sum, 5));
    return _mm256_fnmadd_ps(mins_part, _mm256_mul_ps(dmin, scale), acc);
  }
  __m256 d, dmin;
  __m256i mins[16];
};

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
    __m256i product(const SubBlockRows& rows, int64_t r) const {
      const int8_t* a = rows.codes + 32 * r;
      return _mm256_add_epi32(_mm256_madd_epi16(fold(dot<2>(w, a)), first),
                              _mm256_madd_epi16(fold(dot<2>(w + 4, a + 16)), second));
    }
    __m256i w[8];
    __m256i first, second;
  };
  const uint8_t* scales;
  TailQ2_K tail;
};

struct BlockIQ4_XS {
  static constexpr int kCodesAt = 64, kSubBlockBytes = 128;
  explicit BlockIQ4_XS(const uint8_t* block) : scales(block + 16), tail{load_halfs(block)} {}
  struct SubBlock {
    SubBlock(const BlockIQ4_XS& block, const uint8_t* from, int j)
        : scale(spread_signed(block.scales.scales + 8 * j)), scale_16(_mm256_slli_epi16(scale, 4)) {
      unpack_nibbles(from, low);
      for (int v = 0; v < 8; ++v) {
        high[v] = look_up(kIq4High, low[v]);
        low[v] = look_up(kIq4Low, low[v]);
      }
    }
    __m256i product(const SubBlockRows& rows, int64_t r) const {
      const int8_t* a = rows.codes + 32 * r;
      const int32_t* offsets = rows.offsets_32 + 2 * r;  // times 8 from times 32
      const __m256i offset = _mm256_add_epi16(_mm256_srai_epi16(broadcast_four(offsets), 2),
                                              _mm256_srai_epi16(broadcast_four(offsets + 1), 2));
      const __m256i high_words = _mm256_sub_epi16(fold(dot<4>(high, a)), offset);
      return _mm256_add_epi32(_mm256_madd_epi16(fold(dot<4>(low, a)), scale),
                              _mm256_madd_epi16(high_words, scale_16));
    }
    __m256i low[8], high[8];
    __m256i scale, scale_16;
  };
  ScalesIQ4_XS scales;
  PlainTail tail;
};

}  // namespace

void multiply_q2_k_avx2(const PanelTile& tile) { multiply<BlockQ2_K>(tile); }
void multiply_q3_k_avx2(const PanelTile& tile) { multiply<BlockQ3_K>(tile); }
void multiply_q4_k_avx2(const PanelTile& tile) { multiply<BlockQ4_K>(tile); }
void multiply_q5_k_avx2(const PanelTile& tile) { multiply<BlockQ5_K>(tile); }
void multiply_q6_k_avx2(const PanelTile& tile) { multiply<BlockQ6_K>(tile); }
void multiply_iq4_xs_avx2(const PanelTile& tile) { multiply<BlockIQ4_XS>(tile); }

}  // namespace hearth::compute::cpu
