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
#include "compute/cpu/panel/k_blocks_avx2.h"

namespace hearth::compute::cpu {
namespace {

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
  MinTail<MultiplyAdd> tail;
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

void multiply_q2_k_avx2(const PanelTile& tile) { multiply<BlockQ2_K<MultiplyAdd>>(tile); }
void multiply_q3_k_avx2(const PanelTile& tile) { multiply<BlockQ3_K<MultiplyAdd>>(tile); }
void multiply_q4_k_avx2(const PanelTile& tile) { multiply<BlockQ4_K<MultiplyAdd>>(tile); }
void multiply_q5_k_avx2(const PanelTile& tile) { multiply<BlockQ5_K>(tile); }
void multiply_q6_k_avx2(const PanelTile& tile) { multiply<BlockQ6_K<MultiplyAdd>>(tile); }
void multiply_iq4_xs_avx2(const PanelTile& tile) { multiply<BlockIQ4_XS>(tile); }

}  // namespace hearth::compute::cpu
