// Float products by 512-bit FMA: 6 weight rows times 4 activation rows in 24 accumulators; 10 loads
// feed 24 FMAs, so the FMA pipes limit it (32 MAC a cycle). Up to 4 rows take the weight rows one
// by one, as memory limits: one stream, of which the next page is fetched meanwhile, since the
// hardware's own prefetch starts anew there. One chain of FMAs takes 32 bytes in 4 cycles, which is
// more than a core's share of what memory gives.
//
// The lanes are 16 here, each of every sixteenth column: other bits than AVX2's, and as fixed.
//
// Measured with bench_panel_products on two cores of an EPYC (Zen 5), F16, 2048 columns: 215 GMAC/s
// at 32 rows (AVX2: 129) of 247 that FMAs alone reach; one row at 44 GB/s, where four weight rows
// at a time reach 37.
#include "compute/cpu/float_product.h"

#if defined(__x86_64__)

#include "compute/cpu/vector_math_avx2.h"

namespace hearth::compute::cpu {
namespace {

constexpr int kWeightRows = 6;
constexpr int kActivationRows = 4;
constexpr int64_t kMostFetchBytes = 24 << 10;  // half a first-level cache
constexpr int64_t kFetchBytes = 4 << 10;

struct F32 {
  static constexpr int64_t kSize = 4;
  static __m512 load(const char* at, __mmask16 mask) { return _mm512_maskz_loadu_ps(mask, at); }
  static __m512 load(const char* at) { return _mm512_loadu_ps(at); }
};
struct F16 {
  static constexpr int64_t kSize = 2;
  static __m512 load(const char* at, __mmask16 mask) {
    return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(mask, at));
  }
  static __m512 load(const char* at) {
    return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(at)));
  }
};
struct BF16 {
  static constexpr int64_t kSize = 2;
  static __m512 widen(__m256i bits) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16));
  }
  static __m512 load(const char* at, __mmask16 mask) {
    return widen(_mm256_maskz_loadu_epi16(mask, at));
  }
  static __m512 load(const char* at) {
    return widen(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(at)));
  }
};

inline float sum16(__m512 v) {
  return sum8(_mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1)));
}

struct Tile {
  const char* weights;
  int64_t weight_stride;  // bytes
  int64_t fetch_bytes;    // how far ahead to fetch
  const float* x;
  int64_t x_stride;
  int64_t n_cols;
  float* out;
  int64_t out_stride;
};

// kFetches: the weights come from memory, not from the cache.
template <class W, int kW, int kX, bool kFetches>
inline void multiply_tile(const Tile& tile) {
  __m512 sums[kX][kW];
#pragma GCC unroll 4
  for (int r = 0; r < kX; ++r) {
#pragma GCC unroll 6
    for (int w = 0; w < kW; ++w) sums[r][w] = _mm512_setzero_ps();
  }
  int64_t c = 0;
  for (; c + 16 <= tile.n_cols; c += 16) {
    const char* weights = tile.weights + c * W::kSize;
    __m512 x[kX];
#pragma GCC unroll 4
    for (int r = 0; r < kX; ++r) x[r] = _mm512_loadu_ps(tile.x + r * tile.x_stride + c);
#pragma GCC unroll 6
    for (int w = 0; w < kW; ++w, weights += tile.weight_stride) {
      if (kFetches) _mm_prefetch(weights + tile.fetch_bytes, _MM_HINT_T0);
      const __m512 weight = W::load(weights);
#pragma GCC unroll 4
      for (int r = 0; r < kX; ++r) sums[r][w] = _mm512_fmadd_ps(weight, x[r], sums[r][w]);
    }
  }
  if (c < tile.n_cols) {
    const auto mask = static_cast<__mmask16>((1u << (tile.n_cols - c)) - 1);
#pragma GCC unroll 6
    for (int w = 0; w < kW; ++w) {
      const __m512 weight = W::load(tile.weights + w * tile.weight_stride + c * W::kSize, mask);
#pragma GCC unroll 4
      for (int r = 0; r < kX; ++r) {
        const __m512 x = _mm512_maskz_loadu_ps(mask, tile.x + r * tile.x_stride + c);
        sums[r][w] = _mm512_fmadd_ps(weight, x, sums[r][w]);
      }
    }
  }
#pragma GCC unroll 4
  for (int r = 0; r < kX; ++r) {
#pragma GCC unroll 6
    for (int w = 0; w < kW; ++w) tile.out[r * tile.out_stride + w] = sum16(sums[r][w]);
  }
}

template <class W, int kW, bool kFetches>
inline void multiply_rows(const Tile& tile, int64_t n_rows) {
  switch (n_rows) {
    case 1: return multiply_tile<W, kW, 1, kFetches>(tile);
    case 2: return multiply_tile<W, kW, 2, kFetches>(tile);
    case 3: return multiply_tile<W, kW, 3, kFetches>(tile);
    case 4: return multiply_tile<W, kW, 4, kFetches>(tile);
    default: return;
  }
}

template <class W, int kW>
inline void multiply_weight_rows(const FloatProduct& p, int64_t first) {
  const int64_t stride = p.n_cols * W::kSize;
  Tile tile = {.weights = static_cast<const char*>(p.weights) + first * stride,
               .weight_stride = stride,
               .fetch_bytes = kW > 1 && kW * stride <= kMostFetchBytes ? kW * stride : kFetchBytes,
               .x = p.x,
               .x_stride = p.x_stride,
               .n_cols = p.n_cols,
               .out = p.out + first,
               .out_stride = p.out_stride};
  multiply_rows<W, kW, true>(tile, p.n_rows < kActivationRows ? p.n_rows : kActivationRows);
  for (int64_t left = p.n_rows - kActivationRows; left > 0; left -= kActivationRows) {
    tile.x += kActivationRows * p.x_stride;
    tile.out += kActivationRows * p.out_stride;
    multiply_rows<W, kW, false>(tile, left < kActivationRows ? left : kActivationRows);
  }
}

template <class W, int kW>
inline void multiply_groups(const FloatProduct& p) {
  int64_t w = 0;
  for (; w + kW <= p.n_weight_rows; w += kW) multiply_weight_rows<W, kW>(p, w);
  for (; w < p.n_weight_rows; ++w) multiply_weight_rows<W, 1>(p, w);
}

template <class W>
inline void multiply(const FloatProduct& p) {
  p.n_rows <= kActivationRows ? multiply_groups<W, 1>(p) : multiply_groups<W, kWeightRows>(p);
}

}  // namespace

void multiply_f32_avx512(const FloatProduct& product) { multiply<F32>(product); }
void multiply_f16_avx512(const FloatProduct& product) { multiply<F16>(product); }
void multiply_bf16_avx512(const FloatProduct& product) { multiply<BF16>(product); }

}  // namespace hearth::compute::cpu

#endif
