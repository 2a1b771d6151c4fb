// How AVX2 and AVX-VNNI kernels walk blocks of 256 of a panel, and what blocks share: scales spread
// over lanes, the end of a block. Everything has internal linkage, as *_avx2.cc files require.
//
// A Block is built from its first byte, has the bytes kCodesAt and kSubBlockBytes, a SubBlock that
// gives a row's products in 32-bit sums, and a tail whose add() takes these at the block's end.
#pragma once

#include "compute/cpu/panel/kernels.h"
#include "compute/cpu/panel/vectors_avx2.h"

namespace hearth::compute::cpu {
namespace {

inline __m256i spread(const uint8_t* from, __m256i lanes) {
  return _mm256_shuffle_epi8(broadcast_eight(from), lanes);
}

// A scale of each of 8 rows (bytes at `from`) in both 16-bit lanes of the row.
inline __m256i spread_unsigned(const uint8_t* from) {
  return spread(from, _mm256_setr_epi8(0, -1, 0, -1, 1, -1, 1, -1, 2, -1, 2, -1, 3, -1, 3, -1,  //
                                       4, -1, 4, -1, 5, -1, 5, -1, 6, -1, 6, -1, 7, -1, 7, -1));
}

// The same in the four lanes of rows 0, 1, 4, 5, and of rows 2, 3, 6, 7.
inline __m256i spread_first(const uint8_t* from) {
  return spread(from, _mm256_setr_epi8(0, -1, 0, -1, 0, -1, 0, -1, 1, -1, 1, -1, 1, -1, 1, -1,  //
                                       4, -1, 4, -1, 4, -1, 4, -1, 5, -1, 5, -1, 5, -1, 5, -1));
}
inline __m256i spread_second(const uint8_t* from) {
  return spread(from, _mm256_setr_epi8(2, -1, 2, -1, 2, -1, 2, -1, 3, -1, 3, -1, 3, -1, 3, -1,  //
                                       6, -1, 6, -1, 6, -1, 6, -1, 7, -1, 7, -1, 7, -1, 7, -1));
}

inline __m256i extend_bytes(__m256i words) {
  return _mm256_srai_epi16(_mm256_slli_epi16(words, 8), 8);
}

inline __m256i spread_signed(const uint8_t* from) { return extend_bytes(spread_unsigned(from)); }

// Bytes r and 8 + r of `from` in the low and the high 16-bit lane of row r.
inline __m256i spread_pairs(const uint8_t* from) {
  const __m128i pairs = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  const __m256i lanes =
      _mm256_setr_epi8(0, -1, 8, -1, 1, -1, 9, -1, 2, -1, 10, -1, 3, -1, 11, -1,  //
                       4, -1, 12, -1, 5, -1, 13, -1, 6, -1, 14, -1, 7, -1, 15, -1);
  return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(pairs), lanes);
}

inline __m256i spread_signed_pairs(const uint8_t* from) { return extend_bytes(spread_pairs(from)); }

// The codes of a tile's rows at the sub-block in hand.
struct SubBlockRows {
  explicit SubBlockRows(const PanelTile& tile)
      : codes(tile.codes), offsets_32(tile.offsets_32), lane_offsets(tile.lane_offsets) {}
  void advance(int64_t stride) {
    codes += 32 * stride;
    offsets_32 += 2 * stride;
    lane_offsets += 4 * stride;
  }
  const int8_t* codes;
  const int32_t* offsets_32;
  const int32_t* lane_offsets;
};

// What the end of a block needs of one row of activations.
struct TailRow {
  float scale;
  const int16_t* sums_32;     // of the block's 8 sub-blocks of 32
  const int32_t* offsets_32;  // of its first sub-block; `stride` further on, of the next
  int64_t stride;
};

// What a block without mins adds to one row's sums, of which the integer part is `sum`.
struct PlainTail {
  __m256 add(__m256 acc, __m256i sum, const TailRow& row) const {
    const __m256 scale = _mm256_mul_ps(d, _mm256_set1_ps(row.scale));
    return _mm256_fmadd_ps(_mm256_cvtepi32_ps(sum), scale, acc);
  }
  __m256 d;
};

// A SubBlock gives a row's products, or adds them to the sums where one instruction does both.
template <class SubBlock>
inline __m256i add_products(__m256i sums, const SubBlock& sub_block, const SubBlockRows& rows,
                            int64_t r) {
  if constexpr (requires { sub_block.add(sums, rows, r); }) {
    return sub_block.add(sums, rows, r);
  } else {
    return _mm256_add_epi32(sums, sub_block.product(rows, r));
  }
}

// A sub-block's share of the block: what is fetched ahead leaves no line out.
template <class Block>
constexpr int kFetchBytes = Block::kSubBlockBytes + Block::kCodesAt / 8;

template <class Block, int kRows>
void multiply_few(const PanelTile& tile) {
  const int64_t n_blocks = tile.n_blocks, stride = tile.stride;
  const float* activation_scales = tile.scales;
  const int16_t* sums_32 = tile.sums_32;
  const uint8_t *from = tile.panel, *fetched = from;
  SubBlockRows rows(tile);
  __m256 acc[kRows];
  for (int r = 0; r < kRows; ++r) acc[r] = _mm256_setzero_ps();
  for (int64_t b = 0; b < n_blocks; ++b) {
    const Block block(from);
    const int32_t* offsets_32 = rows.offsets_32;
    from += Block::kCodesAt;
    __m256i sums[kRows];
    for (int r = 0; r < kRows; ++r) sums[r] = _mm256_setzero_si256();
    for (int j = 0; j < 8; ++j, from += Block::kSubBlockBytes, rows.advance(stride)) {
      prefetch_bytes(fetched, kFetchBytes<Block>);
      fetched += kFetchBytes<Block>;
      const typename Block::SubBlock sub_block(block, from, j);
      for (int r = 0; r < kRows; ++r) sums[r] = add_products(sums[r], sub_block, rows, r);
    }
    for (int r = 0; r < kRows; ++r) {
      acc[r] = block.tail.add(
          acc[r], sums[r], {activation_scales[r], sums_32 + 8 * r, offsets_32 + 2 * r, 2 * stride});
    }
    activation_scales += stride;
    sums_32 += 8 * stride;
  }
  for (int r = 0; r < kRows; ++r) _mm256_store_ps(tile.out + kPanelRows * r, acc[r]);
}

template <class Block>
void multiply_many(const PanelTile& tile) {
  const int64_t n_blocks = tile.n_blocks, stride = tile.stride, n_rows = tile.n_rows;
  const float* activation_scales = tile.scales;
  const int16_t* sums_32 = tile.sums_32;
  const uint8_t *from = tile.panel, *fetched = from;
  float* out = tile.out;
  SubBlockRows rows(tile);
  __m256i sums[kTileRows];  // 2 KiB, in the first-level cache
  for (int64_t r = 0; r < n_rows; ++r) _mm256_store_ps(out + kPanelRows * r, _mm256_setzero_ps());
  for (int64_t b = 0; b < n_blocks; ++b) {
    const Block block(from);
    const int32_t* offsets_32 = rows.offsets_32;
    from += Block::kCodesAt;
    for (int64_t r = 0; r < n_rows; ++r) sums[r] = _mm256_setzero_si256();
    for (int j = 0; j < 8; ++j, from += Block::kSubBlockBytes, rows.advance(stride)) {
      prefetch_bytes(fetched, kFetchBytes<Block>);
      fetched += kFetchBytes<Block>;
      const typename Block::SubBlock sub_block(block, from, j);
      for (int64_t r = 0; r < n_rows; ++r) sums[r] = add_products(sums[r], sub_block, rows, r);
    }
    for (int64_t r = 0; r < n_rows; ++r) {
      float* acc = out + kPanelRows * r;
      const TailRow row = {activation_scales[r], sums_32 + 8 * r, offsets_32 + 2 * r, 2 * stride};
      const __m256 sum = block.tail.add(_mm256_load_ps(acc), sums[r], row);
      _mm256_store_ps(acc, sum);
    }
    activation_scales += stride;
    sums_32 += 8 * stride;
  }
}

template <class Block>
void multiply(const PanelTile& tile) {
  switch (tile.n_rows) {
    case 1: return multiply_few<Block, 1>(tile);
    case 2: return multiply_few<Block, 2>(tile);
    case 3: return multiply_few<Block, 3>(tile);
    case 4: return multiply_few<Block, 4>(tile);
    default: return multiply_many<Block>(tile);
  }
}

}  // namespace
}  // namespace hearth::compute::cpu
