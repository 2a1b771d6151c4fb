// Products of 8-row panels of Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, IQ4_NL and MXFP4 with rows of 8-bit
// activations, for the instruction sets of 64-bit Arm: legacy_neon.cc, legacy_dotprod.cc and
// legacy_i8mm.cc are this with their own way to add products.
//
//   for types with a min acc[row] = fma(m_w, s_a, acc), then acc = fma(isum, d_w * d_a, acc)
//
// Weight-stationary: a block's codes are unpacked to 16 registers of signed numbers once and meet
// every activation row of the tile. Eight activations, twice side by side, meet the four registers
// of their columns; sdot sums four products a lane, in 32 bits, and a pairwise addition the two
// lanes of a row. For 256 products of one row: 16 sdot, 2 addp, 4 loads, and the scaling in floats,
// twice. smmla has 16 instructions for 512 products of two rows. Without either, an addition of
// products takes four instructions.
#pragma once

#include "compute/cpu/panel/kernels.h"
#include "compute/cpu/panel/vectors_neon.h"
#include "quant/type.h"

namespace hearth::compute::cpu {
namespace {

struct Q4_0 {
  static constexpr int kBytes = 144, kScalesAt = 128;
  static constexpr bool kHasMin = false;
  static void unpack(const uint8_t* block, int8x16_t w[16]) {
    uint8x16_t codes[16];
    unpack_nibbles(block, codes);
    subtract_offset(codes, 8, w);
  }
  static RowFloats load_scales(const uint8_t* from) { return load_halfs(from); }
};

struct Q4_1 {
  static constexpr int kBytes = 160, kScalesAt = 128;
  static constexpr bool kHasMin = true;
  static void unpack(const uint8_t* block, int8x16_t w[16]) {
    uint8x16_t codes[16];
    unpack_nibbles(block, codes);
    subtract_offset(codes, 0, w);
  }
  static RowFloats load_scales(const uint8_t* from) { return load_halfs(from); }
};

struct Q5_0 {
  static constexpr int kBytes = 176, kScalesAt = 160;
  static constexpr bool kHasMin = false;
  static void unpack(const uint8_t* block, int8x16_t w[16]) {
    uint8x16_t codes[16];
    unpack_nibbles(block, codes);
    add_plane_1(block + 128, 4, codes);
    subtract_offset(codes, 16, w);
  }
  static RowFloats load_scales(const uint8_t* from) { return load_halfs(from); }
};

struct Q5_1 {
  static constexpr int kBytes = 192, kScalesAt = 160;
  static constexpr bool kHasMin = true;
  static void unpack(const uint8_t* block, int8x16_t w[16]) {
    uint8x16_t codes[16];
    unpack_nibbles(block, codes);
    add_plane_1(block + 128, 4, codes);
    subtract_offset(codes, 0, w);
  }
  static RowFloats load_scales(const uint8_t* from) { return load_halfs(from); }
};

struct Q8_0 {
  static constexpr int kBytes = 272, kScalesAt = 256;
  static constexpr bool kHasMin = false;
  static void unpack(const uint8_t* block, int8x16_t w[16]) {
    uint8x16_t codes[16];
    for (int i = 0; i < 16; ++i) codes[i] = vld1q_u8(block + 16 * i);
    subtract_offset(codes, 128, w);
  }
  static RowFloats load_scales(const uint8_t* from) { return load_halfs(from); }
};

struct IQ4_NL {
  static constexpr int kBytes = 144, kScalesAt = 128;
  static constexpr bool kHasMin = false;
  static void unpack(const uint8_t* block, int8x16_t w[16]) {
    uint8x16_t codes[16];
    unpack_nibbles(block, codes);
    look_up(kIq4, codes, w);
  }
  static RowFloats load_scales(const uint8_t* from) { return load_halfs(from); }
};

// 2^(exponent - 128) of four exponents; the least two are below the normal floats.
inline float32x4_t load_exponents(uint16x4_t from) {
  const uint32x4_t exponents = vmovl_u16(from);
  const uint32x4_t normal = vshlq_n_u32(vsubq_u32(exponents, vdupq_n_u32(1)), 23);
  const uint32x4_t small = vshlq_u32(vdupq_n_u32(0x00200000), vreinterpretq_s32_u32(exponents));
  const uint32x4_t is_small = vcltq_u32(exponents, vdupq_n_u32(2));
  return vreinterpretq_f32_u32(vbslq_u32(is_small, small, normal));
}

struct MXFP4 {
  static constexpr int kBytes = 136, kScalesAt = 128;
  static constexpr bool kHasMin = false;
  static void unpack(const uint8_t* block, int8x16_t w[16]) {
    uint8x16_t codes[16];
    unpack_nibbles(block, codes);
    look_up(kMxfp4, codes, w);
  }
  static RowFloats load_scales(const uint8_t* from) {
    const uint16x8_t exponents = vmovl_u8(vld1_u8(from));
    return {load_exponents(vget_low_u16(exponents)), load_exponents(vget_high_u16(exponents))};
  }
};

template <class Format>
struct Block {
  explicit Block(const uint8_t* from) : d(Format::load_scales(from + Format::kScalesAt)) {
    Format::unpack(from, w);
    if constexpr (Format::kHasMin) m = load_halfs(from + Format::kScalesAt + 16);
  }
  // acc with the block's part of one activation row, whose integer products are `sum`.
  RowFloats add(RowFloats acc, const RowInts& sum, float scale, float scaled_sum) const {
    if constexpr (Format::kHasMin) {
      const float32x4_t s = vdupq_n_f32(scaled_sum);
      acc = add_product(acc, m, {s, s});
    }
    return add_product(acc, to_floats(sum), scaled(d, scale));
  }
  RowFloats d, m;  // m: of types with a min
  int8x16_t w[16];
};

// A tile's arrays at the block in hand.
struct BlockRows {
  explicit BlockRows(const PanelTile& tile)
      : codes(tile.codes), scales(tile.scales), scaled_sums(tile.scaled_sums) {}
  void advance(int64_t stride) {
    codes += 32 * stride;
    scales += stride;
    scaled_sums += stride;
  }
  const int8_t* codes;
  const float* scales;
  const float* scaled_sums;
};

template <class Format, class Dot>
inline void add_row(const Block<Format>& block, const BlockRows& rows, int64_t r, RowFloats& acc) {
  const RowInts sum = dot<Dot, 4>(block.w, rows.codes + 32 * r);
  acc = block.add(acc, sum, rows.scales[r], rows.scaled_sums[r]);
}

// Rows r and r + 1.
template <class Format, class Dot>
inline void add_two_rows(const Block<Format>& block, const BlockRows& rows, int64_t r,
                         RowFloats& first, RowFloats& second) {
#ifdef __ARM_FEATURE_MATMUL_INT8
  if constexpr (Dot::kTakesTwoRows) {
    const TwoRowInts sums = dot_two<4>(block.w, rows.codes + 32 * r);
    first = block.add(first, sums.first, rows.scales[r], rows.scaled_sums[r]);
    second = block.add(second, sums.second, rows.scales[r + 1], rows.scaled_sums[r + 1]);
    return;
  }
#endif
  add_row<Format, Dot>(block, rows, r, first);
  add_row<Format, Dot>(block, rows, r + 1, second);
}

// A few rows: their sums stay in registers, and the panel streams through once.
template <class Format, class Dot, int kRows>
void multiply_few(const PanelTile& tile) {
  const uint8_t* from = tile.panel;
  BlockRows rows(tile);
  RowFloats acc[kRows] = {};
  for (int64_t b = 0; b < tile.n_blocks; ++b, from += Format::kBytes, rows.advance(tile.stride)) {
    prefetch_bytes(from, Format::kBytes);
    const Block<Format> block(from);
    int r = 0;
    for (; r + 2 <= kRows; r += 2) add_two_rows<Format, Dot>(block, rows, r, acc[r], acc[r + 1]);
    if (r < kRows) add_row<Format, Dot>(block, rows, r, acc[r]);
  }
  for (int r = 0; r < kRows; ++r) store_row_floats(tile.out + kPanelRows * r, acc[r]);
}

// Many rows: their sums stay in the first-level cache.
template <class Format, class Dot>
void multiply_many(const PanelTile& tile) {
  const int64_t n_rows = tile.n_rows;
  const uint8_t* from = tile.panel;
  float* out = tile.out;
  BlockRows rows(tile);
  for (int64_t r = 0; r < n_rows; ++r) store_row_floats(out + kPanelRows * r, RowFloats{});
  for (int64_t b = 0; b < tile.n_blocks; ++b, from += Format::kBytes, rows.advance(tile.stride)) {
    prefetch_bytes(from, Format::kBytes);
    const Block<Format> block(from);
    int64_t r = 0;
    for (; r + 2 <= n_rows; r += 2) {
      float* sums = out + kPanelRows * r;
      RowFloats first = load_row_floats(sums), second = load_row_floats(sums + kPanelRows);
      add_two_rows<Format, Dot>(block, rows, r, first, second);
      store_row_floats(sums, first);
      store_row_floats(sums + kPanelRows, second);
    }
    if (r < n_rows) {
      RowFloats last = load_row_floats(out + kPanelRows * r);
      add_row<Format, Dot>(block, rows, r, last);
      store_row_floats(out + kPanelRows * r, last);
    }
  }
}

template <class Format, class Dot>
void multiply(const PanelTile& tile) {
  switch (tile.n_rows) {
    case 1: return multiply_few<Format, Dot, 1>(tile);
    case 2: return multiply_few<Format, Dot, 2>(tile);
    case 3: return multiply_few<Format, Dot, 3>(tile);
    case 4: return multiply_few<Format, Dot, 4>(tile);
    default: return multiply_many<Format, Dot>(tile);
  }
}

template <class Dot>
PanelKernel legacy_kernel(quant::Type type) {
  switch (type) {
    case quant::Type::kQ4_0: return multiply<Q4_0, Dot>;
    case quant::Type::kQ4_1: return multiply<Q4_1, Dot>;
    case quant::Type::kQ5_0: return multiply<Q5_0, Dot>;
    case quant::Type::kQ5_1: return multiply<Q5_1, Dot>;
    case quant::Type::kQ8_0: return multiply<Q8_0, Dot>;
    case quant::Type::kIQ4_NL: return multiply<IQ4_NL, Dot>;
    case quant::Type::kMXFP4: return multiply<MXFP4, Dot>;
    default: return nullptr;
  }
}

}  // namespace
}  // namespace hearth::compute::cpu
