// Float products by FMA: 4 weight rows times 2 activation rows of 8 lanes in 16 accumulators, which
// with 4 registers of activations and 2 of weights leave room in the 32; 12 loads feed 16 FMAs.
#include "compute/cpu/float_product.h"

#include <string.h>

#include "compute/cpu/vector_math_neon.h"

namespace hearth::compute::cpu {
namespace {

constexpr int kWeightRows = 4;
constexpr int kActivationRows = 2;

struct Eight {
  float32x4_t low, high;
};

inline Eight load_floats(const float* from) { return {vld1q_f32(from), vld1q_f32(from + 4)}; }

// Eight weights, of any alignment.
struct F32 {
  static constexpr int64_t kSize = 4;
  static Eight load(const uint8_t* at) {
    return {vreinterpretq_f32_u8(vld1q_u8(at)), vreinterpretq_f32_u8(vld1q_u8(at + 16))};
  }
};
struct F16 {
  static constexpr int64_t kSize = 2;
  static Eight load(const uint8_t* at) {
    const float16x8_t halfs = vreinterpretq_f16_u8(vld1q_u8(at));
    return {vcvt_f32_f16(vget_low_f16(halfs)), vcvt_high_f32_f16(halfs)};
  }
};
struct BF16 {
  static constexpr int64_t kSize = 2;
  static Eight load(const uint8_t* at) {
    const uint16x8_t bits = vreinterpretq_u16_u8(vld1q_u8(at));
    return {vreinterpretq_f32_u32(vshll_n_u16(vget_low_u16(bits), 16)),
            vreinterpretq_f32_u32(vshll_high_n_u16(bits, 16))};
  }
};

// The last n < 8 numbers at `at`, zeros behind them.
template <class W>
inline Eight load_last(const void* at, int64_t n) {
  uint8_t last[8 * W::kSize] = {};
  memcpy(last, at, static_cast<size_t>(n * W::kSize));
  return W::load(last);
}

inline Eight add_product(const Eight& acc, const Eight& x, const Eight& y) {
  return {vfmaq_f32(acc.low, x.low, y.low), vfmaq_f32(acc.high, x.high, y.high)};
}

struct Tile {
  const uint8_t* weights;
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
  Eight sums[kX][kW];
#pragma GCC unroll 4
  for (int r = 0; r < kX; ++r) {
#pragma GCC unroll 4
    for (int w = 0; w < kW; ++w) sums[r][w] = {vdupq_n_f32(0), vdupq_n_f32(0)};
  }
  int64_t c = 0;
  for (; c + 8 <= tile.n_cols; c += 8) {
    Eight x[kX];
#pragma GCC unroll 4
    for (int r = 0; r < kX; ++r) x[r] = load_floats(tile.x + r * tile.x_stride + c);
#pragma GCC unroll 4
    for (int w = 0; w < kW; ++w) {
      const Eight weight = W::load(tile.weights + w * tile.weight_stride + c * W::kSize);
#pragma GCC unroll 4
      for (int r = 0; r < kX; ++r) sums[r][w] = add_product(sums[r][w], weight, x[r]);
    }
  }
  if (const int64_t rest = tile.n_cols - c; rest > 0) {
#pragma GCC unroll 4
    for (int w = 0; w < kW; ++w) {
      const Eight weight = load_last<W>(tile.weights + w * tile.weight_stride + c * W::kSize, rest);
#pragma GCC unroll 4
      for (int r = 0; r < kX; ++r) {
        const Eight x = load_last<F32>(tile.x + r * tile.x_stride + c, rest);
        sums[r][w] = add_product(sums[r][w], weight, x);
      }
    }
  }
#pragma GCC unroll 4
  for (int r = 0; r < kX; ++r) {
#pragma GCC unroll 4
    for (int w = 0; w < kW; ++w) {
      tile.out[r * tile.out_stride + w] = sum8(sums[r][w].low, sums[r][w].high);
    }
  }
}

template <class W, int kW>
inline void multiply_weight_rows(const FloatProduct& p, int64_t first) {
  const int64_t stride = p.n_cols * W::kSize;
  Tile tile = {.weights = static_cast<const uint8_t*>(p.weights) + first * stride,
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
  if (r < p.n_rows) multiply_tile<W, kW, 1>(tile);
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

void multiply_f32_neon(const FloatProduct& product) { multiply<F32>(product); }
void multiply_f16_neon(const FloatProduct& product) { multiply<F16>(product); }
void multiply_bf16_neon(const FloatProduct& product) { multiply<BF16>(product); }

}  // namespace hearth::compute::cpu
