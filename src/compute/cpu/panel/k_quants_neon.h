// Products of 8-row panels of Q2_K, Q3_K, Q4_K, Q5_K, Q6_K and the types of i_quants_neon.h with
// rows of 8-bit activations, blocks of 256, for the instruction sets of 64-bit Arm, as
// legacy_neon.h does blocks of 32.
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

#include "compute/cpu/panel/blocks_of_256_neon.h"
#include "compute/cpu/panel/i_quants_neon.h"
#include "compute/cpu/panel/k_scales_neon.h"
#include "quant/type.h"

namespace hearth::compute::cpu {
namespace {

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

template <class Dot>
PanelKernel k_quant_kernel(quant::Type type) {
  switch (type) {
    case quant::Type::kQ2_K: return multiply<Q2_K, Dot>;
    case quant::Type::kQ3_K: return multiply<Q3_K, Dot>;
    case quant::Type::kQ4_K: return multiply<Q4_K, Dot>;
    case quant::Type::kQ5_K: return multiply<Q5_K, Dot>;
    case quant::Type::kQ6_K: return multiply<Q6_K, Dot>;
    case quant::Type::kIQ4_XS: return multiply<Listed<ListIQ4_XS>, Dot>;
    case quant::Type::kIQ1_S: return multiply<Book<FormatIQ1_S>, Dot>;
    case quant::Type::kIQ1_M: return multiply<Book<FormatIQ1_M>, Dot>;
    case quant::Type::kIQ2_XXS: return multiply<Book<FormatIQ2_XXS>, Dot>;
    case quant::Type::kIQ2_XS: return multiply<Book<FormatIQ2_XS>, Dot>;
    case quant::Type::kIQ2_S: return multiply<Book<FormatIQ2_S>, Dot>;
    case quant::Type::kIQ3_XXS: return multiply<Listed<ListIQ3_XXS>, Dot>;
    case quant::Type::kIQ3_S: return multiply<Listed<ListIQ3_S>, Dot>;
    case quant::Type::kTQ1_0:
    case quant::Type::kTQ2_0: return multiply<Ternary, Dot>;
    default: return nullptr;
  }
}

}  // namespace
}  // namespace hearth::compute::cpu
