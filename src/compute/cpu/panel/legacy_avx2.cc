// Products of 8-row panels of Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, IQ4_NL and MXFP4 with rows of 8-bit
// activations.
//
//   for types with a min acc[row] = fma(m_w, s_a, acc), then acc = fma(isum, d_w * d_a, acc)
//
// Weight-stationary: a block's codes of 8 rows x 32 columns are unpacked to eight vectors once and
// meet every activation row of the tile. Eight activations, broadcast, meet a pair of vectors:
//
//   vector 2 q      row 0 | row 1 | row 4 | row 5      columns 8 q .. 8 q + 7 of each row
//   vector 2 q + 1  row 2 | row 3 | row 6 | row 7
//   times           a     | a     | a     | a          columns 8 q .. 8 q + 7
//
// vpmaddubsw leaves four 16-bit sums a row, which are added over q, then folded to two a row, then
// widened and added by vpmaddwd to one 32-bit sum a row, rows 0 to 7 in order. What 16 bits hold:
//   4 bits  8 * 2 * 15 * 127 = 30480
//   5 bits  of code - 16: 8 * 2 * 16 * 127 = 32512. Sums of the unsigned codes may wrap; taking
//           the offsets off brings them back, as arithmetic modulo 2^16 does. Codes with a min
//           have no offset to take off: 4 * 2 * 31 * 127 = 31496, and widened before the fold.
//   8 bits  as two nibbles, hi - 8 and lo, with one 4-bit sum each: w = 16 * (hi - 8) + lo; the
//           values of IQ4_NL plus 128 likewise
//   MXFP4   of value + 12 at most 24, less 12: 8 * 2 * 12 * 127 = 24384
//
// Limit on Zen 3: vector operations, loads among them, issue at 3.7 a cycle at best. Q4_1 has 22
// and 7 loads for 256 products: 8.0 cycles. Measured with bench_panel_products on two cores of an
// EPYC Milan at 3.2 GHz, 32 rows, GMAC/s: Q4_0 190, Q4_1 198, Q5_0 183, Q5_1 185, Q8_0 103, IQ4_NL
// 103, MXFP4 177; one row at 25 to 34 GB/s, which is about what the memory gives.
//
// Tried: four columns a broadcast instead of eight has no fold but eight broadcasts, 8.5 cycles.
// Finishing one row's sums while the next row's are made: 5 % at 64 rows, not worth its code.
#include "compute/cpu/panel/blocks_of_32_avx2.h"

namespace hearth::compute::cpu {
namespace {

struct BlockQ4_0 {
  static constexpr int kBytes = 144;
  explicit BlockQ4_0(const uint8_t* block) : d(load_halfs(block + 128)) {
    unpack_nibbles(block, w);
  }
  __m256 add(__m256 acc, const BlockRows& rows, int64_t r) const {
    const __m256i offset = broadcast_four(rows.offsets_8 + r);
    const __m256i words = _mm256_sub_epi16(fold(dot<4>(w, rows.codes + 32 * r)), offset);
    return add_scaled(acc, add_lane_pairs(words), d, rows.scales[r]);
  }
  __m256 d;
  __m256i w[8];
};

struct BlockQ4_1 {
  static constexpr int kBytes = 160;
  explicit BlockQ4_1(const uint8_t* block)
      : d(load_halfs(block + 128)), m(load_halfs(block + 144)) {
    unpack_nibbles(block, w);
  }
  __m256 add(__m256 acc, const BlockRows& rows, int64_t r) const {
    const __m256i words = fold(dot<4>(w, rows.codes + 32 * r));
    acc = _mm256_fmadd_ps(m, _mm256_set1_ps(rows.scaled_sums[r]), acc);
    return add_scaled(acc, add_lane_pairs(words), d, rows.scales[r]);
  }
  __m256 d, m;
  __m256i w[8];
};

struct BlockQ5_0 {
  static constexpr int kBytes = 176;
  explicit BlockQ5_0(const uint8_t* block) : d(load_halfs(block + 160)) {
    unpack_nibbles(block, w);
    add_plane_1<4>(block + 128, w);
  }
  __m256 add(__m256 acc, const BlockRows& rows, int64_t r) const {
    const __m256i offset = broadcast_four(rows.offsets_16 + r);
    const __m256i words = _mm256_sub_epi16(fold(dot<4>(w, rows.codes + 32 * r)), offset);
    return add_scaled(acc, add_lane_pairs(words), d, rows.scales[r]);
  }
  __m256 d;
  __m256i w[8];
};

struct BlockQ5_1 {
  static constexpr int kBytes = 192;
  explicit BlockQ5_1(const uint8_t* block)
      : d(load_halfs(block + 160)), m(load_halfs(block + 176)) {
    unpack_nibbles(block, w);
    add_plane_1<4>(block + 128, w);
  }
  __m256 add(__m256 acc, const BlockRows& rows, int64_t r) const {
    const RowWords words = dot<4>(w, rows.codes + 32 * r);
    const __m256i sum = fold_wide(add_lane_pairs(words.first), add_lane_pairs(words.second));
    acc = _mm256_fmadd_ps(m, _mm256_set1_ps(rows.scaled_sums[r]), acc);
    return add_scaled(acc, sum, d, rows.scales[r]);
  }
  __m256 d, m;
  __m256i w[8];
};

struct BlockMXFP4 {
  static constexpr int kBytes = 136;
  explicit BlockMXFP4(const uint8_t* block) : d(load_exponents(block + 128)) {
    unpack_nibbles(block, w);
    for (int v = 0; v < 8; ++v) w[v] = look_up(kMxfp4Codes, w[v]);
  }
  __m256 add(__m256 acc, const BlockRows& rows, int64_t r) const {
    const __m256i eight = broadcast_four(rows.offsets_8 + r);
    const __m256i twelve = _mm256_add_epi16(eight, _mm256_srai_epi16(eight, 1));
    const __m256i words = _mm256_sub_epi16(fold(dot<4>(w, rows.codes + 32 * r)), twelve);
    return add_scaled(acc, add_lane_pairs(words), d, rows.scales[r]);
  }
  __m256 d;
  __m256i w[8];
};

// Half a block of 8-bit codes, four vectors as two sets of nibbles: both sets of all eight vectors
// would not leave a register.
struct HalfBlockQ8_0 {
  static constexpr int kBytes = 272, kScalesAt = 256;
  HalfBlockQ8_0(const uint8_t* block, int half) {
    const __m256i mask = _mm256_set1_epi8(15);
    for (int v = 0; v < 4; ++v) {
      const __m256i bytes = load_bytes(block + 128 * half + 32 * v);
      low[v] = _mm256_and_si256(bytes, mask);
      high[v] = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), mask);
    }
  }
  __m256i low[4], high[4];
};

struct HalfBlockIQ4_NL {
  static constexpr int kBytes = 144, kScalesAt = 128;
  HalfBlockIQ4_NL(const uint8_t* block, int half) {
    const __m256i mask = _mm256_set1_epi8(15);
    for (int v = 0; v < 4; ++v) {
      const __m256i pair = load_bytes(block + 32 * v);
      const __m256i codes = _mm256_and_si256(half == 0 ? pair : _mm256_srli_epi16(pair, 4), mask);
      low[v] = look_up(kIq4Low, codes);
      high[v] = look_up(kIq4High, codes);
    }
  }
  __m256i low[4], high[4];
};

struct NibbleSums {
  RowWords low, high;
};

template <class Half>
inline NibbleSums dot_nibbles(const Half& half, const int8_t* a) {
  return {dot<2>(half.low, a), dot<2>(half.high, a)};
}

inline __m256i add_and_fold(const RowWords& a, const RowWords& b) {
  return fold({_mm256_add_epi16(a.first, b.first), _mm256_add_epi16(a.second, b.second)});
}

inline __m256 add_nibbles(__m256 acc, const NibbleSums& first, const NibbleSums& second, __m256 d,
                          const BlockRows& rows, int64_t r) {
  const __m256i low = add_and_fold(second.low, first.low);
  const __m256i high =
      _mm256_sub_epi16(add_and_fold(second.high, first.high), broadcast_four(rows.offsets_8 + r));
  const __m256i sum =
      _mm256_add_epi32(add_lane_pairs(low), _mm256_madd_epi16(high, _mm256_set1_epi16(16)));
  return add_scaled(acc, sum, d, rows.scales[r]);
}

template <class Half, int kRows>
void multiply_few_wide(const PanelTile& tile) {
  const int64_t n_blocks = tile.n_blocks, stride = tile.stride;
  const uint8_t* from = tile.panel;
  BlockRows rows(tile);
  __m256 acc[kRows];
  for (int r = 0; r < kRows; ++r) acc[r] = _mm256_setzero_ps();
  for (int64_t b = 0; b < n_blocks; ++b, from += Half::kBytes, rows.advance(stride)) {
    prefetch_bytes(from, Half::kBytes);
    const __m256 d = load_halfs(from + Half::kScalesAt);
    NibbleSums sums[kRows];
    const Half first(from, 0);
    for (int r = 0; r < kRows; ++r) sums[r] = dot_nibbles(first, rows.codes + 32 * r);
    const Half second(from, 1);
    for (int r = 0; r < kRows; ++r) {
      const NibbleSums rest = dot_nibbles(second, rows.codes + 32 * r + 16);
      acc[r] = add_nibbles(acc[r], sums[r], rest, d, rows, r);
    }
  }
  for (int r = 0; r < kRows; ++r) _mm256_store_ps(tile.out + kPanelRows * r, acc[r]);
}

template <class Half>
void multiply_many_wide(const PanelTile& tile) {
  const int64_t n_blocks = tile.n_blocks, stride = tile.stride, n_rows = tile.n_rows;
  const uint8_t* from = tile.panel;
  float* out = tile.out;
  BlockRows rows(tile);
  NibbleSums sums[kTileRows];  // 8 KiB, in the first-level cache
  for (int64_t r = 0; r < n_rows; ++r) _mm256_store_ps(out + kPanelRows * r, _mm256_setzero_ps());
  for (int64_t b = 0; b < n_blocks; ++b, from += Half::kBytes, rows.advance(stride)) {
    prefetch_bytes(from, Half::kBytes);
    const Half first(from, 0);
    for (int64_t r = 0; r < n_rows; ++r) sums[r] = dot_nibbles(first, rows.codes + 32 * r);
    const Half second(from, 1);
    const __m256 d = load_halfs(from + Half::kScalesAt);
    for (int64_t r = 0; r < n_rows; ++r) {
      const NibbleSums rest = dot_nibbles(second, rows.codes + 32 * r + 16);
      float* acc = out + kPanelRows * r;
      _mm256_store_ps(acc, add_nibbles(_mm256_load_ps(acc), sums[r], rest, d, rows, r));
    }
  }
}

template <class Half>
void multiply_wide(const PanelTile& tile) {
  switch (tile.n_rows) {
    case 1: return multiply_few_wide<Half, 1>(tile);
    case 2: return multiply_few_wide<Half, 2>(tile);
    case 3: return multiply_few_wide<Half, 3>(tile);
    case 4: return multiply_few_wide<Half, 4>(tile);
    default: return multiply_many_wide<Half>(tile);
  }
}

}  // namespace

void multiply_q4_0_avx2(const PanelTile& tile) { multiply<BlockQ4_0>(tile); }
void multiply_q4_1_avx2(const PanelTile& tile) { multiply<BlockQ4_1>(tile); }
void multiply_q5_0_avx2(const PanelTile& tile) { multiply<BlockQ5_0>(tile); }
void multiply_q5_1_avx2(const PanelTile& tile) { multiply<BlockQ5_1>(tile); }

void multiply_q8_0_avx2(const PanelTile& tile) { multiply_wide<HalfBlockQ8_0>(tile); }
void multiply_iq4_nl_avx2(const PanelTile& tile) { multiply_wide<HalfBlockIQ4_NL>(tile); }
void multiply_mxfp4_avx2(const PanelTile& tile) { multiply<BlockMXFP4>(tile); }

}  // namespace hearth::compute::cpu
