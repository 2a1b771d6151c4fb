// Products of two 8-row panels at once of Q2_K, Q3_K, Q4_K, Q5_K, Q6_K and IQ4_XS with rows of
// 8-bit activations, blocks of 256.
//
// The same integers and the same float operations in the same order as k_quants_avx2.cc, so the
// same bits. vpdpbusd's sums, two 32-bit lanes a row, meet the sub-block's integer scale by
// vpdpwssd, which takes the low 16 bits of each: so no lane may sum more products than fit,
//   Q4_K  16 * 15 * 127 = 30480              Q5_K  8 * 31 * 127 = 31496
//   Q6_K   4 * 63 * 127 = 32004              Q2_K, Q3_K  8 * 7 * 127 = 7112
// and IQ4_XS, whose codes have 8 bits, takes a 32-bit multiplication instead. What an unsigned code
// has too much is taken off at the block's end: offset * sum of (scale * sum of a).
//
// Measured as there on two cores of an EPYC (Zen 5), GMAC/s, and with k_quants_avx2.cc: Q4_K 698
// (322), Q5_K 445, Q6_K 367 (271); one row at 39 to 43 GB/s of 51.
#include "compute/cpu/panel/k_scales_avx2.h"
#include "compute/cpu/panel/kernels.h"
#include "compute/cpu/panel/vectors_avx512.h"

namespace hearth::compute::cpu {
namespace {

// Eight 16-bit values, a row each, in the low words of the row's two lanes.
inline __m512i spread_words(__m128i words) {
  const __m512i rows = _mm512_setr_epi32(0, 0, 1, 1, 4, 4, 5, 5, 2, 2, 3, 3, 6, 6, 7, 7);
  return _mm512_permutexvar_epi32(rows, _mm512_castsi256_si512(_mm256_cvtepu16_epi32(words)));
}

inline __m128i load_eight(const uint8_t* from) {
  return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(from));
}

inline __m512i spread_unsigned(const uint8_t* from) {
  return spread_words(_mm_cvtepu8_epi16(load_eight(from)));
}
inline __m512i spread_signed(const uint8_t* from) {
  return spread_words(_mm_cvtepi8_epi16(load_eight(from)));
}

// Bytes r of `a` and of `b` of each panel as the low and the high word of the row's lane, rows in
// order.
struct ByteRows {
  const uint8_t* a;
  const uint8_t* b;
};
inline __m256i interleave(ByteRows first, ByteRows second) {
  return _mm256_set_m128i(_mm_unpacklo_epi8(load_eight(second.a), load_eight(second.b)),
                          _mm_unpacklo_epi8(load_eight(first.a), load_eight(first.b)));
}
inline __m512i unsigned_words(ByteRows first, ByteRows second) {
  return _mm512_cvtepu8_epi16(interleave(first, second));
}
inline __m512i signed_words(ByteRows first, ByteRows second) {
  return _mm512_cvtepi8_epi16(interleave(first, second));
}

// total + the products' sums times the scales, of kVectors vectors from kFrom on.
template <int kFrom, int kVectors>
inline LaneSums add_scaled(LaneSums total, const __m512i* first, const __m512i* second,
                           const int8_t* a, const LaneSums& scale) {
  const LaneSums sums = dot<kVectors>(first + kFrom, second + kFrom, a + 8 * kFrom);
  return {_mm512_dpwssd_epi32(total.first, sums.first, scale.first),
          _mm512_dpwssd_epi32(total.second, sums.second, scale.second)};
}

// What the end of a block needs of one row of activations.
struct TailRow {
  float scale;
  const int16_t* sums_32;     // of the block's 8 sub-blocks of 32
  const int32_t* offsets_32;  // of its first sub-block; `stride` further on, of the next
  int64_t stride;
};

// Sum over sub-blocks of 32 of word * sum of a; `words` has those of sub-blocks 2 p, 2 p + 1.
inline __m512i dot_sums_32(const __m512i words[4], const TailRow& row) {
  __m512i sum = _mm512_setzero_si512();
  for (int p = 0; p < 4; ++p)
    sum = _mm512_dpwssd_epi32(sum, words[p], broadcast_four(row.sums_32 + 2 * p));
  return sum;
}

// 32 times the sum over sub-blocks of 16 of word * sum of a; words[i] has that of i, twice.
inline __m512i dot_sums_16(const __m512i words[16], const TailRow& row) {
  const int32_t* offsets = row.offsets_32;
  __m512i even = _mm512_setzero_si512(), odd = even;
  for (int j = 0; j < 8; ++j, offsets += row.stride) {
    even = _mm512_dpwssd_epi32(even, words[2 * j], broadcast_four(offsets));
    odd = _mm512_dpwssd_epi32(odd, words[2 * j + 1], broadcast_four(offsets + 1));
  }
  return _mm512_add_epi32(even, odd);
}

inline __m512 add_float(__m512 acc, __m512i sum, __m512 d, float scale) {
  return _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum), _mm512_mul_ps(d, _mm512_set1_ps(scale)), acc);
}
inline __m512 subtract_float(__m512 acc, __m512i sum, __m512 dmin, float scale) {
  return _mm512_fnmadd_ps(_mm512_cvtepi32_ps(sum), _mm512_mul_ps(dmin, _mm512_set1_ps(scale)), acc);
}

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
  struct SubBlock {
    SubBlock(const BlockQ4_K& block, const uint8_t* from, const uint8_t* other, int j)
        : scale{spread_unsigned(block.first.scales + 8 * j),
                spread_unsigned(block.second.scales + 8 * j)} {
      unpack_nibbles(from, first);
      unpack_nibbles(other, second);
    }
    LaneSums add(LaneSums total, const int8_t* a) const {
      return add_scaled<0, 4>(total, first, second, a, scale);
    }
    __m512i first[4], second[4];
    LaneSums scale;
  };
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
struct BlockOf16 {
  BlockOf16(const uint8_t* scales, const uint8_t* other_scales, __m512 factor) : d(factor) {
    for (int i = 0; i < 16; ++i) {
      const uint8_t *a = scales + 8 * i, *b = other_scales + 8 * i;
      first[i] = spread_signed(a);
      second[i] = spread_signed(b);
      words[i] = signed_words({a, a}, {b, b});
    }
  }
  __m512 add(__m512 acc, __m512i sum, const TailRow& row) const {
    const __m512i excess = _mm512_srai_epi32(dot_sums_16(words, row), kShift);
    return add_float(acc, _mm512_sub_epi32(sum, excess), d, row.scale);
  }
  static constexpr int kShift = kOffset == 32 ? 0 : 3;  // 32 >> kShift is kOffset
  static_assert(32 >> kShift == kOffset);
  __m512 d;
  __m512i first[16], second[16], words[16];
};

struct BlockQ6_K : BlockOf16<32> {
  static constexpr int kCodesAt = 144, kSubBlockBytes = 192;
  BlockQ6_K(const uint8_t* from, const uint8_t* other)
      : BlockOf16(from + 16, other + 16, load_halfs(from, other)) {}
  struct SubBlock {
    SubBlock(const BlockQ6_K& block, const uint8_t* from, const uint8_t* other, int j)
        : scale{{block.first[2 * j], block.second[2 * j]},
                {block.first[2 * j + 1], block.second[2 * j + 1]}} {
      unpack_nibbles(from, first);
      unpack_nibbles(other, second);
      add_plane_2(from + 128, first);
      add_plane_2(other + 128, second);
    }
    LaneSums add(LaneSums total, const int8_t* a) const {
      total = add_scaled<0, 1>(total, first, second, a, scale[0]);
      total = add_scaled<1, 1>(total, first, second, a, scale[0]);
      total = add_scaled<2, 1>(total, first, second, a, scale[1]);
      return add_scaled<3, 1>(total, first, second, a, scale[1]);
    }
    __m512i first[4], second[4];
    LaneSums scale[2];
  };
};

struct ScalesOfPanelsQ3_K {
  ScalesOfPanelsQ3_K(const uint8_t* from, const uint8_t* other)
      : first(from + 16), second(other + 16) {}
  ScalesQ3_K first, second;
};

struct BlockQ3_K : private ScalesOfPanelsQ3_K, BlockOf16<4> {
  static constexpr int kCodesAt = 112, kSubBlockBytes = 96;
  BlockQ3_K(const uint8_t* from, const uint8_t* other)
      : ScalesOfPanelsQ3_K(from, other),
        BlockOf16(ScalesOfPanelsQ3_K::first.scales, ScalesOfPanelsQ3_K::second.scales,
                  load_halfs(from, other)) {}
  struct SubBlock {
    SubBlock(const BlockOf16<4>& block, const uint8_t* from, const uint8_t* other, int j)
        : scale{{block.first[2 * j], block.second[2 * j]},
                {block.first[2 * j + 1], block.second[2 * j + 1]}} {
      unpack_pairs(from, first);
      unpack_pairs(other, second);
      add_plane_1<2>(from + 64, first);
      add_plane_1<2>(other + 64, second);
    }
    LaneSums add(LaneSums total, const int8_t* a) const {
      total = add_scaled<0, 2>(total, first, second, a, scale[0]);
      return add_scaled<2, 2>(total, first, second, a, scale[1]);
    }
    __m512i first[4], second[4];
    LaneSums scale[2];
  };
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

struct BlockIQ4_XS {
  static constexpr int kCodesAt = 64, kSubBlockBytes = 128;
  BlockIQ4_XS(const uint8_t* from, const uint8_t* other)
      : first(from + 16), second(other + 16), d(load_halfs(from, other)) {
    for (int p = 0; p < 4; ++p) {
      const uint8_t *a = first.scales + 16 * p, *b = second.scales + 16 * p;
      words[p] = signed_words({a, a + 8}, {b, b + 8});
    }
  }
  __m512 add(__m512 acc, __m512i sum, const TailRow& row) const {
    const __m512i excess = _mm512_slli_epi32(dot_sums_32(words, row), 7);
    return add_float(acc, _mm512_sub_epi32(sum, excess), d, row.scale);
  }
  struct SubBlock {
    SubBlock(const BlockIQ4_XS& block, const uint8_t* from, const uint8_t* other, int j)
        : scale{widen(spread_signed(block.first.scales + 8 * j)),
                widen(spread_signed(block.second.scales + 8 * j))} {
      unpack_nibbles(from, first);
      unpack_nibbles(other, second);
      for (int q = 0; q < 4; ++q) {
        first[q] = look_up(kIq4Codes, first[q]);
        second[q] = look_up(kIq4Codes, second[q]);
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
  ScalesIQ4_XS first, second;
  __m512 d;
  __m512i words[4];
};

// Sums and results of kRows rows in registers, or of n_rows in the first-level cache.
template <int kRows>
struct RegisterRows {
  explicit RegisterRows(const PanelTile& tile) : out(tile.out) {
    for (__m512& a : acc) a = _mm512_setzero_ps();
  }
  ~RegisterRows() {
    for (int r = 0; r < kRows; ++r) _mm512_store_ps(out + 2 * kPanelRows * r, acc[r]);
  }
  static constexpr int64_t n() { return kRows; }
  float* out;
  LaneSums sums[kRows];
  __m512 acc[kRows];
};

struct CachedRows {
  explicit CachedRows(const PanelTile& tile)
      : n_rows(tile.n_rows), acc(reinterpret_cast<__m512*>(tile.out)) {
    for (int64_t r = 0; r < n_rows; ++r) acc[r] = _mm512_setzero_ps();
  }
  int64_t n() const { return n_rows; }
  int64_t n_rows;
  LaneSums sums[kTileRows];  // 8 KiB
  __m512* acc;
};

template <class Block, class Rows>
inline void multiply_rows(const PanelTile& tile) {
  const int64_t n_blocks = tile.n_blocks, stride = tile.stride, to_other = tile.panel_bytes;
  const uint8_t* from = tile.panel;
  const float* scales = tile.scales;
  const int16_t* sums_32 = tile.sums_32;
  const int32_t* offsets_32 = tile.offsets_32;
  const int8_t* codes = tile.codes;
  Rows rows(tile);
  for (int64_t b = 0; b < n_blocks; ++b) {
    const Block block(from, from + to_other);
    from += Block::kCodesAt;
    for (int64_t r = 0; r < rows.n(); ++r)
      rows.sums[r] = {_mm512_setzero_si512(), _mm512_setzero_si512()};
    for (int j = 0; j < 8; ++j, from += Block::kSubBlockBytes, codes += 32 * stride) {
      constexpr int kBytes = Block::kSubBlockBytes + Block::kCodesAt / 8;
      prefetch_bytes(from, kBytes);
      prefetch_bytes(from + to_other, kBytes);
      const typename Block::SubBlock sub_block(block, from, from + to_other, j);
      for (int64_t r = 0; r < rows.n(); ++r)
        rows.sums[r] = sub_block.add(rows.sums[r], codes + 32 * r);
    }
    for (int64_t r = 0; r < rows.n(); ++r) {
      const TailRow row = {scales[r], sums_32 + 8 * r, offsets_32 + 2 * r, 2 * stride};
      rows.acc[r] = block.add(rows.acc[r], fold(rows.sums[r]), row);
    }
    scales += stride;
    sums_32 += 8 * stride;
    offsets_32 += 16 * stride;
  }
}

template <class Block>
void multiply(const PanelTile& tile) {
  switch (tile.n_rows) {
    case 1: return multiply_rows<Block, RegisterRows<1>>(tile);
    case 2: return multiply_rows<Block, RegisterRows<2>>(tile);
    case 3: return multiply_rows<Block, RegisterRows<3>>(tile);
    case 4: return multiply_rows<Block, RegisterRows<4>>(tile);
    default: return multiply_rows<Block, CachedRows>(tile);
  }
}

}  // namespace

void multiply_pair_q2_k_avx512(const PanelTile& tile) { multiply<BlockQ2_K>(tile); }
void multiply_pair_q3_k_avx512(const PanelTile& tile) { multiply<BlockQ3_K>(tile); }
void multiply_pair_q4_k_avx512(const PanelTile& tile) { multiply<BlockQ4_K>(tile); }
void multiply_pair_q5_k_avx512(const PanelTile& tile) { multiply<BlockQ5_K>(tile); }
void multiply_pair_q6_k_avx512(const PanelTile& tile) { multiply<BlockQ6_K>(tile); }
void multiply_pair_iq4_xs_avx512(const PanelTile& tile) { multiply<BlockIQ4_XS>(tile); }

}  // namespace hearth::compute::cpu
