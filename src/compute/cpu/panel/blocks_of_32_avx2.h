// How AVX2 and AVX-VNNI kernels walk blocks of 32 of a panel, and what blocks share: exponents, the
// scaling of a row's sums. Everything has internal linkage, as *_avx2.cc files require.
//
// A Block is built from its first byte, has kBytes of them, and an add() that gives one row's sums
// its products.
#pragma once

#include "compute/cpu/panel/kernels.h"
#include "compute/cpu/panel/vectors_avx2.h"

namespace hearth::compute::cpu {
namespace {

// What a block's products add to the sums of one activation row `at`.
inline __m256 add_scaled(__m256 acc, __m256i sum, __m256 d, float activation_scale) {
  __m256 scale = _mm256_mul_ps(d, _mm256_set1_ps(activation_scale));
  return _mm256_fmadd_ps(_mm256_cvtepi32_ps(sum), scale, acc);
}

// A tile's arrays at the block in hand: a local value, whose fields stay in registers across
// stores.
struct BlockRows {
  explicit BlockRows(const PanelTile& tile)
      : codes(tile.codes),
        scales(tile.scales),
        scaled_sums(tile.scaled_sums),
        offsets_8(tile.offsets_8),
        offsets_16(tile.offsets_16) {}
  void advance(int64_t stride) {
    codes += 32 * stride;
    scales += stride;
    scaled_sums += stride;
    offsets_8 += stride;
    offsets_16 += stride;
  }
  const int8_t* codes;
  const float* scales;
  const float* scaled_sums;
  const int32_t* offsets_8;
  const int32_t* offsets_16;
};

// 2^(exponent - 128) of eight bytes; the least two are below the normal floats.
inline __m256 load_exponents(const uint8_t* from) {
  const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(from));
  const __m256i exponents = _mm256_cvtepu8_epi32(bytes);
  const __m256i normal = _mm256_slli_epi32(_mm256_sub_epi32(exponents, _mm256_set1_epi32(1)), 23);
  const __m256i small = _mm256_sllv_epi32(_mm256_set1_epi32(0x00200000), exponents);
  const __m256i is_small = _mm256_cmpgt_epi32(_mm256_set1_epi32(2), exponents);
  return _mm256_castsi256_ps(_mm256_blendv_epi8(normal, small, is_small));
}

// A few rows: their sums stay in registers, and the panel streams through once.
template <class Block, int kRows>
void multiply_few(const PanelTile& tile) {
  const int64_t n_blocks = tile.n_blocks, stride = tile.stride;
  const uint8_t* from = tile.panel;
  BlockRows rows(tile);
  __m256 acc[kRows];
  for (int r = 0; r < kRows; ++r) acc[r] = _mm256_setzero_ps();
  for (int64_t b = 0; b < n_blocks; ++b, from += Block::kBytes, rows.advance(stride)) {
    prefetch_bytes(from, Block::kBytes);
    const Block block(from);
    for (int r = 0; r < kRows; ++r) acc[r] = block.add(acc[r], rows, r);
  }
  for (int r = 0; r < kRows; ++r) _mm256_store_ps(tile.out + kPanelRows * r, acc[r]);
}

// Many rows: their sums stay in the first-level cache.
template <class Block>
void multiply_many(const PanelTile& tile) {
  const int64_t n_blocks = tile.n_blocks, stride = tile.stride, n_rows = tile.n_rows;
  const uint8_t* from = tile.panel;
  float* out = tile.out;
  BlockRows rows(tile);
  for (int64_t r = 0; r < n_rows; ++r) _mm256_store_ps(out + kPanelRows * r, _mm256_setzero_ps());
  for (int64_t b = 0; b < n_blocks; ++b, from += Block::kBytes, rows.advance(stride)) {
    prefetch_bytes(from, Block::kBytes);
    const Block block(from);
    for (int64_t r = 0; r < n_rows; ++r) {
      float* sums = out + kPanelRows * r;
      _mm256_store_ps(sums, block.add(_mm256_load_ps(sums), rows, r));
    }
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
