// Products of 8-row panels of Q2_K, Q3_K, Q4_K, Q5_K, Q6_K and IQ4_XS with rows of 8-bit
// activations, blocks of 256, for the instruction sets of 64-bit Arm, as legacy_neon.h does blocks
// of 32.
//
//   acc[row] = fma(isum, d_w * d_a, acc)
//   acc[row] = fma(-imin, dmin_w * d_a, acc)              types with mins
//   isum = sum over sub-blocks of scale * sum of (code - offset) * a, in 32-bit integers
//   imin = sum over sub-blocks of min * sum of a
//
// Each sub-block of 32 columns meets the tile's rows in turn; a 32-bit multiply-add applies its
// integer scales, one a row, or two where sub-blocks have 16 columns. The sums of the tile stay in
// the first-level cache until the block's end.
#pragma once

#include "compute/cpu/panel/k_scales_neon.h"
#include "compute/cpu/panel/kernels.h"
#include "compute/cpu/panel/vectors_neon.h"
#include "quant/type.h"

namespace hearth::compute::cpu {
namespace {

// What the end of a block needs of one row of activations.
struct TailRow {
  float scale;
  const int16_t* sums_32;     // of the block's 8 sub-blocks of 32
  const int32_t* offsets_32;  // of its first sub-block; `stride` further on, of the next
  int64_t stride;
};

// Eight mins a row, against the sums of 32 codes.
struct MinsOf32 {
  explicit MinsOf32(const uint8_t mins[64]) {
    for (int j = 0; j < 8; ++j) values[j] = vreinterpretq_s16_u16(vmovl_u8(vld1_u8(mins + 8 * j)));
  }
  RowInts sum(const TailRow& row) const {
    RowInts sums = {};
    for (int j = 0; j < 8; ++j) {
      sums.low = vmlal_n_s16(sums.low, vget_low_s16(values[j]), row.sums_32[j]);
      sums.high = vmlal_high_n_s16(sums.high, values[j], row.sums_32[j]);
    }
    return sums;
  }
  int16x8_t values[8];
};

// Sixteen mins a row, against the sums of 16 codes: the two words of an offset are 32 times the
// parts of one.
struct MinsOf16 {
  explicit MinsOf16(const uint8_t mins[128]) {
    for (int i = 0; i < 16; ++i) values[i] = vreinterpretq_s16_u16(vmovl_u8(vld1_u8(mins + 8 * i)));
  }
  static int16_t sum_16(int32_t words) {
    return static_cast<int16_t>((static_cast<int16_t>(words) + (words >> 16)) >> 5);
  }
  RowInts sum(const TailRow& row) const {
    RowInts sums = {};
    for (int i = 0; i < 16; ++i) {
      const int16_t codes = sum_16(row.offsets_32[i / 2 * row.stride + i % 2]);
      sums.low = vmlal_n_s16(sums.low, vget_low_s16(values[i]), codes);
      sums.high = vmlal_high_n_s16(sums.high, values[i], codes);
    }
    return sums;
  }
  int16x8_t values[16];
};

struct PlainTail {
  RowFloats add(const RowFloats& acc, const RowInts& sum, const TailRow& row) const {
    return add_product(acc, to_floats(sum), scaled(d, row.scale));
  }
  RowFloats d;
};

template <class Mins>
struct MinTail {
  RowFloats add(const RowFloats& acc, const RowInts& sum, const TailRow& row) const {
    const RowFloats with_codes = add_product(acc, to_floats(sum), scaled(d, row.scale));
    return subtract_product(with_codes, to_floats(mins.sum(row)), scaled(dmin, row.scale));
  }
  RowFloats d, dmin;
  Mins mins;
};

struct Q4_K {
  static constexpr int kCodesAt = 128, kSubBlockBytes = 128, kScaleColumns = 32;
  explicit Q4_K(const uint8_t* block)
      : scales(block + 32),
        tail{load_halfs(block), load_halfs(block + 16), MinsOf32(scales.mins)} {}
  static void unpack(const uint8_t* from, int8x16_t w[16]) {
    uint8x16_t codes[16];
    unpack_nibbles(from, codes);
    subtract_offset(codes, 0, w);
  }
  ScalesAndMins scales;
  MinTail<MinsOf32> tail;
};

struct Q5_K {
  static constexpr int kCodesAt = 128, kSubBlockBytes = 160, kScaleColumns = 32;
  explicit Q5_K(const uint8_t* block)
      : scales(block + 32),
        tail{load_halfs(block), load_halfs(block + 16), MinsOf32(scales.mins)} {}
  static void unpack(const uint8_t* from, int8x16_t w[16]) {
    uint8x16_t codes[16];
    unpack_nibbles(from, codes);
    add_plane_1(from + 128, 4, codes);
    subtract_offset(codes, 0, w);
  }
  ScalesAndMins scales;
  MinTail<MinsOf32> tail;
};

struct Q6_K {
  static constexpr int kCodesAt = 144, kSubBlockBytes = 192, kScaleColumns = 16;
  explicit Q6_K(const uint8_t* block) : scales(block + 16), tail{load_halfs(block)} {}
  static void unpack(const uint8_t* from, int8x16_t w[16]) {
    uint8x16_t codes[16];
    unpack_nibbles(from, codes);
    add_plane_2(from + 128, 4, codes);
    subtract_offset(codes, 32, w);
  }
  ScaleBytes scales;
  PlainTail tail;
};

struct Q2_K {
  static constexpr int kCodesAt = 160, kSubBlockBytes = 64, kScaleColumns = 16;
  explicit Q2_K(const uint8_t* block)
      : scales(block + 32),
        tail{load_halfs(block), load_halfs(block + 16), MinsOf16(scales.mins)} {}
  static void unpack(const uint8_t* from, int8x16_t w[16]) {
    uint8x16_t codes[16] = {};
    add_plane_2(from, 0, codes);
    subtract_offset(codes, 0, w);
  }
  ScalesQ2_K scales;
  MinTail<MinsOf16> tail;
};

struct Q3_K {
  static constexpr int kCodesAt = 112, kSubBlockBytes = 96, kScaleColumns = 16;
  explicit Q3_K(const uint8_t* block) : scales(block + 16), tail{load_halfs(block)} {}
  static void unpack(const uint8_t* from, int8x16_t w[16]) {
    uint8x16_t codes[16] = {};
    add_plane_2(from, 0, codes);
    add_plane_1(from + 64, 2, codes);
    subtract_offset(codes, 4, w);
  }
  ScalesQ3_K scales;
  PlainTail tail;
};

struct IQ4_XS {
  static constexpr int kCodesAt = 64, kSubBlockBytes = 128, kScaleColumns = 32;
  explicit IQ4_XS(const uint8_t* block) : scales(block + 16), tail{load_halfs(block)} {}
  static void unpack(const uint8_t* from, int8x16_t w[16]) {
    uint8x16_t codes[16];
    unpack_nibbles(from, codes);
    look_up(kIq4, codes, w);
  }
  ScalesIQ4_XS scales;
  PlainTail tail;
};

inline RowInts widen(const int8_t* scales) {
  const int16x8_t words = vmovl_s8(vld1_s8(scales));
  return {vmovl_s16(vget_low_s16(words)), vmovl_high_s16(words)};
}

// Sub-block j of 32 columns.
template <class Format>
struct SubBlock {
  static constexpr bool kIsWhole = Format::kScaleColumns == 32;
  SubBlock(const Format& block, const uint8_t* from, int j)
      : scale(widen(block.scales.scales + (kIsWhole ? 8 * j : 16 * j))),
        second_scale(kIsWhole ? RowInts{} : widen(block.scales.scales + 16 * j + 8)) {
    Format::unpack(from, w);
  }
  template <class Dot>
  RowInts add(const RowInts& sums, const int8_t* a) const {
    if constexpr (kIsWhole) return add_product(sums, dot<Dot, 4>(w, a), scale);
    return add_product(add_product(sums, dot<Dot, 2>(w, a), scale), dot<Dot, 2>(w + 8, a + 16),
                       second_scale);
  }
#ifdef __ARM_FEATURE_MATMUL_INT8
  void add_two(const int8_t* a, RowInts& first, RowInts& second) const {
    const TwoRowInts sums = dot_two < kIsWhole ? 4 : 2 > (w, a);
    first = add_product(first, sums.first, scale);
    second = add_product(second, sums.second, scale);
    if constexpr (kIsWhole) return;
    const TwoRowInts rest = dot_two<2>(w + 8, a + 16);
    first = add_product(first, rest.first, second_scale);
    second = add_product(second, rest.second, second_scale);
  }
#endif
  int8x16_t w[16];
  RowInts scale;         // of the first 16 columns, or of all
  RowInts second_scale;  // of the last 16 columns
};

// Adds the sub-block's products with n_rows rows at `codes` to their sums.
template <class Dot, class Format>
inline void add_rows(const SubBlock<Format>& sub_block, const int8_t* codes, int64_t n_rows,
                     RowInts* sums) {
  int64_t r = 0;
#ifdef __ARM_FEATURE_MATMUL_INT8
  if constexpr (Dot::kTakesTwoRows) {
    for (; r + 2 <= n_rows; r += 2) sub_block.add_two(codes + 32 * r, sums[r], sums[r + 1]);
  }
#endif
  for (; r < n_rows; ++r) sums[r] = sub_block.template add<Dot>(sums[r], codes + 32 * r);
}

// kRows 0: as many as the tile has, their sums in the first-level cache.
template <class Format, class Dot, int kRows>
void multiply_rows(const PanelTile& tile) {
  const int64_t n_rows = kRows > 0 ? kRows : tile.n_rows;
  const int64_t stride = tile.stride;
  const uint8_t* from = tile.panel;
  const int8_t* codes = tile.codes;
  RowFloats acc[kRows > 0 ? kRows : kTileRows];
  RowInts sums[kRows > 0 ? kRows : kTileRows];
  for (int64_t r = 0; r < n_rows; ++r) acc[r] = RowFloats{};
  for (int64_t b = 0; b < tile.n_blocks; ++b) {
    const Format block(from);
    from += Format::kCodesAt;
    for (int64_t r = 0; r < n_rows; ++r) sums[r] = RowInts{};
    for (int j = 0; j < 8; ++j, from += Format::kSubBlockBytes, codes += 32 * stride) {
      prefetch_bytes(from, Format::kSubBlockBytes + Format::kCodesAt / 8);
      add_rows<Dot>(SubBlock<Format>(block, from, j), codes, n_rows, sums);
    }
    for (int64_t r = 0; r < n_rows; ++r) {
      acc[r] = block.tail.add(acc[r], sums[r],
                              {.scale = tile.scales[b * stride + r],
                               .sums_32 = tile.sums_32 + 8 * (b * stride + r),
                               .offsets_32 = tile.offsets_32 + 2 * (8 * b * stride + r),
                               .stride = 2 * stride});
    }
  }
  for (int64_t r = 0; r < n_rows; ++r) store_row_floats(tile.out + kPanelRows * r, acc[r]);
}

template <class Format, class Dot>
void multiply(const PanelTile& tile) {
  switch (tile.n_rows) {
    case 1: return multiply_rows<Format, Dot, 1>(tile);
    case 2: return multiply_rows<Format, Dot, 2>(tile);
    case 3: return multiply_rows<Format, Dot, 3>(tile);
    case 4: return multiply_rows<Format, Dot, 4>(tile);
    default: return multiply_rows<Format, Dot, 0>(tile);
  }
}

template <class Dot>
PanelKernel k_quant_kernel(quant::Type type) {
  switch (type) {
    case quant::Type::kQ2_K: return multiply<Q2_K, Dot>;
    case quant::Type::kQ3_K: return multiply<Q3_K, Dot>;
    case quant::Type::kQ4_K: return multiply<Q4_K, Dot>;
    case quant::Type::kQ5_K: return multiply<Q5_K, Dot>;
    case quant::Type::kQ6_K: return multiply<Q6_K, Dot>;
    case quant::Type::kIQ4_XS: return multiply<IQ4_XS, Dot>;
    default: return nullptr;
  }
}

}  // namespace
}  // namespace hearth::compute::cpu
