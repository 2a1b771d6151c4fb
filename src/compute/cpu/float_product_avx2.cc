// Float products by FMA: 4 weight rows times 3 activation rows in 12 accumulators, which with 3
// activations and a weight fill the 16 registers; 7 loads feed 12 FMAs, so the FMA pipes limit it
// (16 MAC a cycle). With one activation row 4 chains hide the FMA's latency and memory limits.
#include "compute/cpu/float_product.h"

#if defined(__x86_64__)

#include <string.h>

#include "compute/cpu/vector_math_avx2.h"

namespace hearth::compute::cpu {
namespace {

constexpr int kWeightRows = 4;
constexpr int kActivationRows = 3;

struct F32 {
  static constexpr int64_t kSize = 4;
  static __m256 load(const char* at) { return _mm256_loadu_ps(reinterpret_cast<const float*>(at)); }
};
struct F16 {
  static constexpr int64_t kSize = 2;
  static __m256 load(const char* at) {
    return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at)));
  }
};
struct BF16 {
  static constexpr int64_t kSize = 2;
  static __m256 load(const char* at) {
    const __m128i bits = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16));
  }
};

// The last n_cols % 8 weights, zeros behind them.
template <class W>
inline __m256 load_last(const char* at, int64_t n) {
  alignas(32) char last[8 * W::kSize] = {};
  memcpy(last, at, static_cast<size_t>(n * W::kSize));
  return W::load(last);
}

struct Tile {
  const char* weights;
  int64_t weight_stride;  // bytes
  const float* x;
  int64_t x_stride;
  int64_t n_cols;
  float* out;
  int64_t out_stride;
};

// Unrolled by order: gcc 12 clears the accumulators by memset otherwise, and then keeps them in
// memory too.
template <class W, int kW, int kX>
inline void multiply_tile(const Tile& tile) {
  __m256 sums[kX][kW];
#pragma GCC unroll 4
  for (int r = 0; r < kX; ++r) {
#pragma GCC unroll 4
    for (int w = 0; w < kW; ++w) sums[r][w] = _mm256_setzero_ps();
  }
  int64_t c = 0;
  for (; c + 8 <= tile.n_cols; c += 8) {
    __m256 x[kX];
#pragma GCC unroll 4
    for (int r = 0; r < kX; ++r) x[r] = _mm256_loadu_ps(tile.x + r * tile.x_stride + c);
#pragma GCC unroll 4
    for (int w = 0; w < kW; ++w) {
      const __m256 weight = W::load(tile.weights + w * tile.weight_stride + c * W::kSize);
#pragma GCC unroll 4
      for (int r = 0; r < kX; ++r) sums[r][w] = _mm256_fmadd_ps(weight, x[r], sums[r][w]);
    }
  }
  if (c < tile.n_cols) {
    const __m256i mask = first_lanes(tile.n_cols - c);
#pragma GCC unroll 4
    for (int w = 0; w < kW; ++w) {
      const __m256 weight =
          load_last<W>(tile.weights + w * tile.weight_stride + c * W::kSize, tile.n_cols - c);
#pragma GCC unroll 4
      for (int r = 0; r < kX; ++r) {
        const __m256 x = _mm256_maskload_ps(tile.x + r * tile.x_stride + c, mask);
        sums[r][w] = _mm256_fmadd_ps(weight, x, sums[r][w]);
      }
    }
  }
#pragma GCC unroll 4
  for (int r = 0; r < kX; ++r) {
#pragma GCC unroll 4
    for (int w = 0; w < kW; ++w) tile.out[r * tile.out_stride + w] = sum8(sums[r][w]);
  }
}

template <class W, int kW>
inline void multiply_weight_rows(const FloatProduct& p, int64_t first) {
  const int64_t stride = p.n_cols * W::kSize;
  Tile tile = {.weights = static_cast<const char*>(p.weights) + first * stride,
               .weight_stride = stride,
               .x = p.x,
               .x_stride = p.x_stride,
               .n_cols = p.n_cols,
               .out = p.out + first,
               .out_stride = p.out_stride};
  int64_t r = 0;
  for (; r + kActivationRows <= p.n_rows; r += kActivationRows) {
    multiply_tile<W, kW, kActivationRows>(tile);
    tile.x += kActivationRows * p.x_stride;
    tile.out += kActivationRows * p.out_stride;
  }
  if (p.n_rows - r == 2) multiply_tile<W, kW, 2>(tile);
  if (p.n_rows - r == 1) multiply_tile<W, kW, 1>(tile);
}

template <class W>
inline void multiply(const FloatProduct& p) {
  int64_t w = 0;
  for (; w + kWeightRows <= p.n_weight_rows; w += kWeightRows) {
    multiply_weight_rows<W, kWeightRows>(p, w);
  }
  for (; w < p.n_weight_rows; ++w) multiply_weight_rows<W, 1>(p, w);
}

}  // namespace

void multiply_f32_avx2(const FloatProduct& product) { multiply<F32>(product); }
void multiply_f16_avx2(const FloatProduct& product) { multiply<F16>(product); }
void multiply_bf16_avx2(const FloatProduct& product) { multiply<BF16>(product); }

}  // namespace hearth::compute::cpu

#endif
