// Products of two 8-row panels at once of Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, IQ4_NL and MXFP4 with rows
// of 8-bit activations.
//
// The same integers and the same float operations in the same order as legacy_avx2.cc, so the same
// bits. vpdpbusd takes codes of 8 bits whole and leaves 32-bit sums, so nothing can overflow; what
// an unsigned code has too much (8, 16 or 128 times the activations' sum) is taken off each sum.
//
// Two panels share each broadcast of activations: 8 vpdpbusd, 7 to 8 other vector operations and 8
// to 9 loads for 512 products. Measured with bench_panel_products on two cores of an EPYC (Zen 5),
// 32 rows, GMAC/s, and with legacy_avx2.cc there: Q4_0 543 (312), Q4_1 673 (304), Q5_0 456 (301),
// Q8_0 634 (172); one row at 67 to 71 GB/s of 73.
#include "compute/cpu/panel/kernels.h"
#include "compute/cpu/panel/vectors_avx512.h"

namespace hearth::compute::cpu {
namespace {

struct Row {
  const int8_t* codes;
  float scale, scaled_sum;
  const int32_t* offset_8;
  const int32_t* offset_16;
};

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
  Row row(int64_t r) const {
    return {codes + 32 * r, scales[r], scaled_sums[r], offsets_8 + r, offsets_16 + r};
  }
  const int8_t* codes;
  const float* scales;
  const float* scaled_sums;
  const int32_t* offsets_8;
  const int32_t* offsets_16;
};

// A format says where its scales are, how codes unpack and what the sums have too much.
struct Q4_0 {
  static constexpr int kBytes = 144, kScalesAt = 128;
  static void unpack(const uint8_t* block, __m512i w[4]) { unpack_nibbles(block, w); }
  static __m512i correct(__m512i sum, const Row& row) { return add_words<-1>(sum, row.offset_8); }
};

struct Q4_1 {
  static constexpr int kBytes = 160, kScalesAt = 128, kMinsAt = 144;
  static void unpack(const uint8_t* block, __m512i w[4]) { unpack_nibbles(block, w); }
  static __m512i correct(__m512i sum, const Row&) { return sum; }
};

struct Q5_0 {
  static constexpr int kBytes = 176, kScalesAt = 160;
  static void unpack(const uint8_t* block, __m512i w[4]) {
    unpack_nibbles(block, w);
    add_plane_1<4>(block + 128, w);
  }
  static __m512i correct(__m512i sum, const Row& row) { return add_words<-1>(sum, row.offset_16); }
};

struct Q5_1 {
  static constexpr int kBytes = 192, kScalesAt = 160, kMinsAt = 176;
  static void unpack(const uint8_t* block, __m512i w[4]) { Q5_0::unpack(block, w); }
  static __m512i correct(__m512i sum, const Row&) { return sum; }
};

struct Q8_0 {
  static constexpr int kBytes = 272, kScalesAt = 256;
  static void unpack(const uint8_t* block, __m512i w[4]) {
    for (int q = 0; q < 4; ++q) w[q] = _mm512_loadu_si512(block + 64 * q);
  }
  static __m512i correct(__m512i sum, const Row& row) { return add_words<-8>(sum, row.offset_16); }
};

struct IQ4_NL {
  static constexpr int kBytes = 144, kScalesAt = 128;
  static void unpack(const uint8_t* block, __m512i w[4]) {
    unpack_nibbles(block, w);
    for (int q = 0; q < 4; ++q) w[q] = look_up(kIq4Plus128, w[q]);
  }
  static __m512i correct(__m512i sum, const Row& row) { return Q8_0::correct(sum, row); }
};

struct MXFP4 {
  static constexpr int kBytes = 136, kExponentsAt = 128;
  static void unpack(const uint8_t* block, __m512i w[4]) {
    unpack_nibbles(block, w);
    for (int q = 0; q < 4; ++q) w[q] = look_up(kMxfp4Plus16, w[q]);
  }
  static __m512i correct(__m512i sum, const Row& row) { return Q5_0::correct(sum, row); }
};

template <class Format>
concept HasMins = requires {
  Format::kMinsAt;
};
template <class Format>
concept HasExponents = requires {
  Format::kExponentsAt;
};

// 2^(exponent - 128) of eight bytes of each panel; the least two are below the normal floats.
inline __m512 load_exponents(const uint8_t* first, const uint8_t* second) {
  const __m128i bytes =
      _mm_unpacklo_epi64(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(first)),
                         _mm_loadl_epi64(reinterpret_cast<const __m128i*>(second)));
  const __m512i exponents = _mm512_cvtepu8_epi32(bytes);
  const __m512i normal = _mm512_slli_epi32(_mm512_sub_epi32(exponents, _mm512_set1_epi32(1)), 23);
  const __m512i small = _mm512_sllv_epi32(_mm512_set1_epi32(0x00200000), exponents);
  const __mmask16 is_small = _mm512_cmplt_epi32_mask(exponents, _mm512_set1_epi32(2));
  return _mm512_castsi512_ps(_mm512_mask_mov_epi32(normal, is_small, small));
}

// A block of both panels.
template <class Format>
struct Block {
  Block(const uint8_t* from, const uint8_t* other) {
    Format::unpack(from, first);
    Format::unpack(other, second);
    if constexpr (HasExponents<Format>) {
      d = load_exponents(from + Format::kExponentsAt, other + Format::kExponentsAt);
    } else {
      d = load_halfs(from + Format::kScalesAt, other + Format::kScalesAt);
    }
    if constexpr (HasMins<Format>) m = load_halfs(from + Format::kMinsAt, other + Format::kMinsAt);
  }

  __m512 add(__m512 acc, const Row& row) const {
    const __m512i sum = Format::correct(fold(dot<4>(first, second, row.codes)), row);
    if constexpr (HasMins<Format>) acc = _mm512_fmadd_ps(m, _mm512_set1_ps(row.scaled_sum), acc);
    const __m512 scale = _mm512_mul_ps(d, _mm512_set1_ps(row.scale));
    return _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum), scale, acc);
  }

  __m512i first[4], second[4];
  __m512 d, m;
};

// A few rows: their sums stay in registers, and the panels stream through once.
template <class Format, int kRows>
void multiply_few(const PanelTile& tile) {
  const int64_t n_blocks = tile.n_blocks, stride = tile.stride;
  const uint8_t* from = tile.panel;
  BlockRows rows(tile);
  __m512 acc[kRows];
  for (int r = 0; r < kRows; ++r) acc[r] = _mm512_setzero_ps();
  for (int64_t b = 0; b < n_blocks; ++b, from += 2 * Format::kBytes, rows.advance(stride)) {
    prefetch_bytes(from, Format::kBytes);
    prefetch_bytes(from + Format::kBytes, Format::kBytes);
    const Block<Format> block(from, from + Format::kBytes);
    for (int r = 0; r < kRows; ++r) acc[r] = block.add(acc[r], rows.row(r));
  }
  for (int r = 0; r < kRows; ++r) _mm512_store_ps(tile.out + 2 * kPanelRows * r, acc[r]);
}

// Many rows: their sums stay in the first-level cache.
template <class Format>
void multiply_many(const PanelTile& tile) {
  const int64_t n_blocks = tile.n_blocks, stride = tile.stride, n_rows = tile.n_rows;
  const uint8_t* from = tile.panel;
  float* out = tile.out;
  BlockRows rows(tile);
  for (int64_t r = 0; r < n_rows; ++r)
    _mm512_store_ps(out + 2 * kPanelRows * r, _mm512_setzero_ps());
  for (int64_t b = 0; b < n_blocks; ++b, from += 2 * Format::kBytes, rows.advance(stride)) {
    prefetch_bytes(from, Format::kBytes);
    prefetch_bytes(from + Format::kBytes, Format::kBytes);
    const Block<Format> block(from, from + Format::kBytes);
    for (int64_t r = 0; r < n_rows; ++r) {
      float* sums = out + 2 * kPanelRows * r;
      _mm512_store_ps(sums, block.add(_mm512_load_ps(sums), rows.row(r)));
    }
  }
}

template <class Format>
void multiply(const PanelTile& tile) {
  switch (tile.n_rows) {
    case 1: return multiply_few<Format, 1>(tile);
    case 2: return multiply_few<Format, 2>(tile);
    case 3: return multiply_few<Format, 3>(tile);
    case 4: return multiply_few<Format, 4>(tile);
    default: return multiply_many<Format>(tile);
  }
}

}  // namespace

void multiply_pair_q4_0_avx512(const PanelTile& tile) { multiply<Q4_0>(tile); }
void multiply_pair_q4_1_avx512(const PanelTile& tile) { multiply<Q4_1>(tile); }
void multiply_pair_q5_0_avx512(const PanelTile& tile) { multiply<Q5_0>(tile); }
void multiply_pair_q5_1_avx512(const PanelTile& tile) { multiply<Q5_1>(tile); }
void multiply_pair_q8_0_avx512(const PanelTile& tile) { multiply<Q8_0>(tile); }
void multiply_pair_iq4_nl_avx512(const PanelTile& tile) { multiply<IQ4_NL>(tile); }
void multiply_pair_mxfp4_avx512(const PanelTile& tile) { multiply<MXFP4>(tile); }

}  // namespace hearth::compute::cpu
