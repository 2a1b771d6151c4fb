// How AVX-512 kernels walk blocks of 256 of two panels, and what blocks share: scales spread over
// lanes, sums that integer scales multiply, the end of a block. Everything has internal linkage, as
// *_avx512.cc files require.
//
// A Block is built from its first bytes in each panel, has the bytes kCodesAt and kSubBlockBytes,
// a SubBlock that adds a row's products to its LaneSums, given its lane offsets if it takes them,
// and an add() for the block's end.
#pragma once

#include "compute/cpu/panel/kernels.h"
#include "compute/cpu/panel/vectors_avx512.h"

namespace hearth::compute::cpu {
namespace {

inline __m128i load_eight(const uint8_t* from) {
  return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(from));
}

// For vpshufb of eight bytes, a row each: row r to byte `at` of its two lanes, zeros around it.
struct RowsToLanes {
  constexpr explicit RowsToLanes(int at) {
    constexpr uint8_t kRows[8] = {0, 1, 4, 5, 2, 3, 6, 7}, kZero = 0x80;
    for (int i = 0; i < 64; ++i) bytes[i] = i % 4 == at ? kRows[i / 8] : kZero;
  }
  alignas(64) uint8_t bytes[64] = {};
};
constexpr RowsToLanes kToLowBytes(0), kToHighBytes(1);

inline __m512i spread_bytes(const uint8_t* from, const RowsToLanes& order) {
  return _mm512_shuffle_epi8(broadcast_eight(from), _mm512_load_si512(order.bytes));
}

// The same as 16-bit values in the low words of the lanes.
inline __m512i spread_unsigned(const uint8_t* from) { return spread_bytes(from, kToLowBytes); }
inline __m512i spread_signed(const uint8_t* from) {
  return _mm512_srai_epi16(spread_bytes(from, kToHighBytes), 8);
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

// total + (start + the products' sums) times the scales, of kVectors vectors from kFrom on.
template <int kFrom, int kVectors>
inline LaneSums add_scaled(LaneSums total, const __m512i* first, const __m512i* second,
                           const int8_t* a, const LaneSums& scale,
                           __m512i start = _mm512_setzero_si512()) {
  const LaneSums sums = dot<kVectors>(first + kFrom, second + kFrom, a + 8 * kFrom, start);
  return {_mm512_dpwssd_epi32(total.first, sums.first, scale.first),
          _mm512_dpwssd_epi32(total.second, sums.second, scale.second)};
}

// Nibbles that are the codes, and an unsigned scale a row.
struct NibbleSubBlock {
  template <class Block>
  NibbleSubBlock(const Block& block, const uint8_t* from, const uint8_t* other, int j)
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

// kFold brings LaneSums to one sum a row, rows in order.
template <class Block, class Rows, auto kFold>
inline void multiply_rows(const PanelTile& tile) {
  constexpr int64_t kBlockBytes = Block::kCodesAt + 8 * Block::kSubBlockBytes;  // a panel's block
  const int64_t n_blocks = tile.n_blocks, stride = tile.stride;
  constexpr int kFetchBytes = kBlockBytes / 4;  // as many lines in each of both blocks' 8 parts
  const uint8_t *from = tile.panel, *fetched = from;
  const float* scales = tile.scales;
  const int16_t* sums_32 = tile.sums_32;
  const int32_t* offsets_32 = tile.offsets_32;
  const int32_t* lane_offsets = tile.lane_offsets;
  const int8_t* codes = tile.codes;
  Rows rows(tile);
  for (int64_t b = 0; b < n_blocks; ++b) {
    const Block block(from, from + kBlockBytes);
    from += Block::kCodesAt;
    for (int64_t r = 0; r < rows.n(); ++r)
      rows.sums[r] = {_mm512_setzero_si512(), _mm512_setzero_si512()};
    for (int j = 0; j < 8; ++j) {
      prefetch_bytes(fetched, kFetchBytes);
      fetched += kFetchBytes;
      const typename Block::SubBlock sub_block(block, from, from + kBlockBytes, j);
      for (int64_t r = 0; r < rows.n(); ++r) {
        if constexpr (requires { sub_block.add(rows.sums[r], codes, lane_offsets); }) {
          rows.sums[r] = sub_block.add(rows.sums[r], codes + 32 * r, lane_offsets + 4 * r);
        } else {
          rows.sums[r] = sub_block.add(rows.sums[r], codes + 32 * r);
        }
      }
      from += Block::kSubBlockBytes;
      codes += 32 * stride;
      lane_offsets += 4 * stride;
    }
    from += kBlockBytes;
    for (int64_t r = 0; r < rows.n(); ++r) {
      const TailRow row = {scales[r], sums_32 + 8 * r, offsets_32 + 2 * r, 2 * stride};
      rows.acc[r] = block.add(rows.acc[r], kFold(rows.sums[r]), row);
    }
    scales += stride;
    sums_32 += 8 * stride;
    offsets_32 += 16 * stride;
  }
}

template <class Block, auto kFold = fold>
void multiply(const PanelTile& tile) {
  switch (tile.n_rows) {
    case 1: return multiply_rows<Block, RegisterRows<1>, kFold>(tile);
    case 2: return multiply_rows<Block, RegisterRows<2>, kFold>(tile);
    case 3: return multiply_rows<Block, RegisterRows<3>, kFold>(tile);
    case 4: return multiply_rows<Block, RegisterRows<4>, kFold>(tile);
    default: return multiply_rows<Block, CachedRows, kFold>(tile);
  }
}

}  // namespace
}  // namespace hearth::compute::cpu
