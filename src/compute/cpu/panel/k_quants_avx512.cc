// Products of two 8-row panels at once of Q2_K, Q3_K, Q4_K, Q5_K and Q6_K with rows of 8-bit
// activations, blocks of 256.
//
// The same integers and the same float operations in the same order as k_quants_avx2.cc, so the
// same bits. vpdpbusd's sums, two 32-bit lanes a row, meet the sub-block's integer scale by
// vpdpwssd, which takes the low 16 bits of each: so no lane may sum more products than fit,
//   Q4_K  16 * 15 * 127 = 30480              Q5_K  8 * 31 * 127 = 31496
//   Q6_K   8 * 32 * 127 = 32512 of code - 32  Q2_K, Q3_K  8 * 7 * 127 = 7112
// What an unsigned code has too much, the sums of Q6_K and Q3_K start from.
//
// Measured as there on two cores of an EPYC (Zen 5), GMAC/s, and with k_quants_avx2.cc: Q4_K 698
// (322), Q5_K 445, Q6_K 367 (271); one row of Q4_K and Q6_K at 71 GB/s of 73
// that reading gives.
#include "compute/cpu/panel/blocks_of_256_avx512.h"
#include "compute/cpu/panel/k_scales_avx2.h"

namespace hearth::compute::cpu {
namespace {

// The scales and mins of Q4_K and Q5_K.
struct BlockWithMins {
  BlockWithMins(const uint8_t* from, const uint8_t* other)
      : first(from + 32),
        second(other + 32),
        d(load_halfs(from, other)),
        dmin(load_halfs(from + 16, other + 16)) {
    for (int p = 0; p < 4; ++p) {
      const uint8_t *a = first.mins + 16 * p, *b = second.mins + 16 * p;
      mins[p] = unsigned_words({a, a + 8}, {b, b + 8});
    }
  }
  __m512 add(__m512 acc, __m512i sum, const TailRow& row) const {
    acc = add_float(acc, sum, d, row.scale);
    return subtract_float(acc, dot_sums_32(mins, row), dmin, row.scale);
  }
  ScalesAndMins first, second;
  __m512 d, dmin;
  __m512i mins[4];
};

struct BlockQ4_K : BlockWithMins {
  static constexpr int kCodesAt = 128, kSubBlockBytes = 128;
  using BlockWithMins::BlockWithMins;
  using SubBlock = NibbleSubBlock;
};

struct BlockQ5_K : BlockWithMins {
  static constexpr int kCodesAt = 128, kSubBlockBytes = 160;
  using BlockWithMins::BlockWithMins;
  struct SubBlock {
    SubBlock(const BlockQ5_K& block, const uint8_t* from, const uint8_t* other, int j)
        : scale{spread_unsigned(block.first.scales + 8 * j),
                spread_unsigned(block.second.scales + 8 * j)} {
      unpack_nibbles(from, first);
      unpack_nibbles(other, second);
      add_plane_1<4>(from + 128, first);
      add_plane_1<4>(other + 128, second);
    }
    LaneSums add(LaneSums total, const int8_t* a) const {
      total = add_scaled<0, 2>(total, first, second, a, scale);
      return add_scaled<2, 2>(total, first, second, a, scale);
    }
    __m512i first[4], second[4];
    LaneSums scale;
  };
};

// Sixteen signed scales a row, and codes that have kOffset too much.
template <int kOffset>
struct SubBlockOf16 {
  SubBlockOf16(const uint8_t* scales, const uint8_t* other_scales, int j) {
    for (int half = 0; half < 2; ++half) {
      const int at = 16 * j + 8 * half;
      scale[half] = {spread_signed(scales + at), spread_signed(other_scales + at)};
    }
  }
  LaneSums add(LaneSums total, const int8_t* a, const int32_t* lane_offsets) const {
    total = add_scaled<0, 2>(total, first, second, a, scale[0], start(lane_offsets));
    return add_scaled<2, 2>(total, first, second, a, scale[1], start(lane_offsets + 2));
  }
  static __m512i start(const int32_t* lane_offsets) {  // times -32
    static_assert(kOffset == 32 || kOffset == 4);
    const __m512i offsets = broadcast_eight(lane_offsets);
    return kOffset == 32 ? offsets : _mm512_srai_epi32(offsets, 3);
  }
  __m512i first[4], second[4];
  LaneSums scale[2];
};

struct BlockQ6_K {
  static constexpr int kCodesAt = 144, kSubBlockBytes = 192;
  BlockQ6_K(const uint8_t* from, const uint8_t* other)
      : first(from + 16), second(other + 16), d(load_halfs(from, other)) {}
  __m512 add(__m512 acc, __m512i sum, const TailRow& row) const {
    return add_float(acc, sum, d, row.scale);
  }
  struct SubBlock : SubBlockOf16<32> {
    SubBlock(const BlockQ6_K& block, const uint8_t* from, const uint8_t* other, int j)
        : SubBlockOf16(block.first, block.second, j) {
      unpack_nibbles(from, first);
      unpack_nibbles(other, second);
      add_plane_2(from + 128, first);
      add_plane_2(other + 128, second);
    }
  };
  const uint8_t* first;
  const uint8_t* second;
  __m512 d;
};

struct BlockQ3_K {
  static constexpr int kCodesAt = 112, kSubBlockBytes = 96;
  BlockQ3_K(const uint8_t* from, const uint8_t* other)
      : first(from + 16), second(other + 16), d(load_halfs(from, other)) {}
  __m512 add(__m512 acc, __m512i sum, const TailRow& row) const {
    return add_float(acc, sum, d, row.scale);
  }
  struct SubBlock : SubBlockOf16<4> {
    SubBlock(const BlockQ3_K& block, const uint8_t* from, const uint8_t* other, int j)
        : SubBlockOf16(block.first.scales, block.second.scales, j) {
      unpack_pairs(from, first);
      unpack_pairs(other, second);
      add_plane_1<2>(from + 64, first);
      add_plane_1<2>(other + 64, second);
    }
  };
  ScalesQ3_K first, second;
  __m512 d;
};

// Sixteen scales (low nibbles) and mins (high nibbles) a row.
struct BlockQ2_K {
  static constexpr int kCodesAt = 160, kSubBlockBytes = 64;
  BlockQ2_K(const uint8_t* from, const uint8_t* other)
      : first(from + 32),
        second(other + 32),
        d(load_halfs(from, other)),
        dmin(load_halfs(from + 16, other + 16)) {
    for (int i = 0; i < 16; ++i) {
      const uint8_t *a = first + 8 * i, *b = second + 8 * i;
      mins[i] = _mm512_srli_epi16(unsigned_words({a, a}, {b, b}), 4);
    }
  }
  __m512 add(__m512 acc, __m512i sum, const TailRow& row) const {
    acc = add_float(acc, sum, d, row.scale);
    const __m512i min_sum = _mm512_srai_epi32(dot_sums_16(mins, row), 5);
    return subtract_float(acc, min_sum, dmin, row.scale);
  }
  struct SubBlock {
    SubBlock(const BlockQ2_K& block, const uint8_t* from, const uint8_t* other, int j) {
      const __m512i four = _mm512_set1_epi32(15);
      for (int half = 0; half < 2; ++half) {
        const int at = 16 * j + 8 * half;
        scale[half] = {_mm512_and_si512(spread_unsigned(block.first + at), four),
                       _mm512_and_si512(spread_unsigned(block.second + at), four)};
      }
      unpack_pairs(from, first);
      unpack_pairs(other, second);
    }
    LaneSums add(LaneSums total, const int8_t* a) const {
      total = add_scaled<0, 2>(total, first, second, a, scale[0]);
      return add_scaled<2, 2>(total, first, second, a, scale[1]);
    }
    __m512i first[4], second[4];
    LaneSums scale[2];
  };
  const uint8_t* first;
  const uint8_t* second;
  __m512 d, dmin;
  __m512i mins[16];
};

}  // namespace

void multiply_pair_q2_k_avx512(const PanelTile& tile) { multiply<BlockQ2_K>(tile); }
void multiply_pair_q3_k_avx512(const PanelTile& tile) { multiply<BlockQ3_K>(tile); }
void multiply_pair_q4_k_avx512(const PanelTile& tile) { multiply<BlockQ4_K>(tile); }
void multiply_pair_q5_k_avx512(const PanelTile& tile) { multiply<BlockQ5_K>(tile); }
void multiply_pair_q6_k_avx512(const PanelTile& tile) { multiply<BlockQ6_K>(tile); }

}  // namespace hearth::compute::cpu
