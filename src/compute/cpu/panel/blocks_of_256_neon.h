// How the kernels of 64-bit Arm walk blocks of 256 of a panel, and what blocks share: the end of a
// block without mins. Everything has internal linkage, as files of one instruction set require.
//
// A Format is built from a block's first byte, has the bytes kCodesAt and kSubBlockBytes, the
// number of columns kScaleColumns that share a scale, `scales.scales` [sub-block][half][row] as
// int8, an unpack() to signed codes, and a tail whose add() takes a row's sums at the block's end.
#pragma once

#include "compute/cpu/panel/kernels.h"
#include "compute/cpu/panel/vectors_neon.h"

namespace hearth::compute::cpu {
namespace {

// What the end of a block needs of one row of activations.
struct TailRow {
  float scale;
  const int16_t* sums_32;     // of the block's 8 sub-blocks of 32
  const int32_t* offsets_32;  // of its first sub-block; `stride` further on, of the next
  int64_t stride;
};

struct PlainTail {
  RowFloats add(const RowFloats& acc, const RowInts& sum, const TailRow& row) const {
    return add_product(acc, to_floats(sum), scaled(d, row.scale));
  }
  RowFloats d;
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
  // A sub-block's share of the block: what is fetched ahead leaves no line out.
  constexpr int kFetchBytes = Format::kSubBlockBytes + Format::kCodesAt / 8;
  const uint8_t *from = tile.panel, *fetched = from;
  const int8_t* codes = tile.codes;
  RowFloats acc[kRows > 0 ? kRows : kTileRows];
  RowInts sums[kRows > 0 ? kRows : kTileRows];
  for (int64_t r = 0; r < n_rows; ++r) acc[r] = RowFloats{};
  for (int64_t b = 0; b < tile.n_blocks; ++b) {
    const Format block(from);
    from += Format::kCodesAt;
    for (int64_t r = 0; r < n_rows; ++r) sums[r] = RowInts{};
    for (int j = 0; j < 8; ++j, from += Format::kSubBlockBytes, codes += 32 * stride) {
      prefetch_bytes(fetched, kFetchBytes);
      fetched += kFetchBytes;
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

}  // namespace
}  // namespace hearth::compute::cpu
