// Products of 8-row panels of Q2_K, Q3_K, Q4_K, Q5_K, Q6_K and IQ4_XS with rows of 8-bit
// activations, blocks of 256.
//
// The same integers and the same float operations in the same order as k_quants_avx2.cc, so the
// same bits. vpdpbusd's sums, two 32-bit lanes a row, are packed to 16-bit words, which brings the
// rows in order, and meet the sub-block's integer scale by vpdpwssd, which adds the two of a row:
// so no lane may sum more products than a word holds,
//   Q4_K  16 * 15 * 127 = 30480                 Q5_K  8 * 31 * 127 = 31496
//   Q6_K   8 * 32 * 127 = 32512 of code - 32    Q2_K, Q3_K  8 * 7 * 127 = 7112
// and IQ4_XS, whose codes have 8 bits, is folded and takes a 32-bit multiplication instead. What an
// unsigned code has too much, the sums of Q6_K and Q3_K start from; IQ4_XS takes it off at the
// block's end: 128 * sum of (scale * sum of a).
//
// Measured as in legacy_avxvnni.cc, and with k_quants_avx2.cc: Q2_K 301 (218), Q3_K 367 (253), Q4_K
// 397 (312), Q5_K 359 (284), Q6_K 365 (259), IQ4_XS 379 (158).
#include "compute/cpu/panel/k_blocks_avx2.h"
#include "compute/cpu/panel/vectors_avxvnni.h"
#include "quant/type.h"

namespace hearth::compute::cpu {
namespace {

struct DotProduct {
  template <int kPairs>
  static __m256i words(const __m256i* w, const int8_t* a, __m256i start = _mm256_setzero_si256()) {
    const LaneInts sums = dot_lanes<kPairs>(w, a, start);
    return _mm256_packs_epi32(sums.first, sums.second);
  }
  template <int kOffset>
  static __m256i signed_words(const __m256i* w, const SubBlockRows& rows, int64_t r, int half) {
    static_assert(kOffset == 32 || kOffset == 4);
    const __m256i offset = broadcast_eight(rows.lane_offsets + 4 * r + 2 * half);  // times -32
    return words<2>(w, rows.codes + 32 * r + 16 * half,
                    kOffset == 32 ? offset : _mm256_srai_epi32(offset, 3));
  }
  static __m256i add_pairs(__m256i sums, __m256i a, __m256i b) {
    return _mm256_dpwssd_avx_epi32(sums, a, b);
  }
};

struct BlockQ5_K {
  static constexpr int kCodesAt = 128, kSubBlockBytes = 160;
  explicit BlockQ5_K(const uint8_t* block) : scales(block + 32), tail(block, scales) {}
  struct SubBlock {
    SubBlock(const BlockQ5_K& block, const uint8_t* from, int j)
        : scale(spread_unsigned(block.scales.scales + 8 * j)) {
      unpack_nibbles(from, w);
      add_plane_1<4>(from + 128, w);
    }
    __m256i add(__m256i sums, const SubBlockRows& rows, int64_t r) const {
      const int8_t* a = rows.codes + 32 * r;
      sums = DotProduct::add_pairs(sums, DotProduct::words<2>(w, a), scale);
      return DotProduct::add_pairs(sums, DotProduct::words<2>(w + 4, a + 16), scale);
    }
    __m256i w[8];
    __m256i scale;
  };
  ScalesAndMins scales;
  MinTail<DotProduct> tail;
};

// Eight signed scales a row, and codes that have 128 too much.
struct TailIQ4_XS {
  TailIQ4_XS(const uint8_t* block, const uint8_t* scales) : plain{load_halfs(block)} {
    for (int p = 0; p < 4; ++p) words[p] = spread_signed_pairs(scales + 16 * p);
  }
  __m256 add(__m256 acc, __m256i sum, const TailRow& row) const {
    const __m256i excess = _mm256_slli_epi32(dot_sums_32<DotProduct>(words, row), 7);
    return plain.add(acc, _mm256_sub_epi32(sum, excess), row);
  }
  PlainTail plain;
  __m256i words[4];
};

struct BlockIQ4_XS {
  static constexpr int kCodesAt = 64, kSubBlockBytes = 128;
  explicit BlockIQ4_XS(const uint8_t* block) : scales(block + 16), tail(block, scales.scales) {}
  struct SubBlock {
    SubBlock(const BlockIQ4_XS& block, const uint8_t* from, int j) {
      const uint8_t* bytes = block.scales.scales + 8 * j;
      scale = _mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(bytes)));
      unpack_nibbles(from, w);
      for (int v = 0; v < 8; ++v) w[v] = look_up(kIq4Plus128, w[v]);
    }
    __m256i add(__m256i sums, const SubBlockRows& rows, int64_t r) const {
      const __m256i products = fold(dot_lanes<4>(w, rows.codes + 32 * r));
      return _mm256_add_epi32(sums, _mm256_mullo_epi32(products, scale));
    }
    __m256i w[8];
    __m256i scale;
  };
  ScalesIQ4_XS scales;
  TailIQ4_XS tail;
};

}  // namespace

PanelKernel k_quant_kernel_avxvnni(quant::Type type) {
  switch (type) {
    case quant::Type::kQ2_K: return multiply<BlockQ2_K<DotProduct>>;
    case quant::Type::kQ3_K: return multiply<BlockQ3_K<DotProduct>>;
    case quant::Type::kQ4_K: return multiply<BlockQ4_K<DotProduct>>;
    case quant::Type::kQ5_K: return multiply<BlockQ5_K>;
    case quant::Type::kQ6_K: return multiply<BlockQ6_K<DotProduct>>;
    case quant::Type::kIQ4_XS: return multiply<BlockIQ4_XS>;
    default: return nullptr;
  }
}

}  // namespace hearth::compute::cpu
