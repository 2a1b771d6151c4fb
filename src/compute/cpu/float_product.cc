#include "compute/cpu/float_product.h"

#include <cstring>

#include "base/half.h"

namespace hearth::compute::cpu {
namespace {

float read_f32(const std::byte* at) {
  float value;
  std::memcpy(&value, at, sizeof value);
  return value;
}
float read_f16(const std::byte* at) {
  uint16_t bits;
  std::memcpy(&bits, at, sizeof bits);
  return half_to_float(bits);
}
float read_bf16(const std::byte* at) {
  uint16_t bits;
  std::memcpy(&bits, at, sizeof bits);
  return bfloat16_to_float(bits);
}

template <float (*read)(const std::byte*), size_t size>
void multiply(const FloatProduct& product) {
  for (int64_t w = 0; w < product.n_weight_rows; ++w) {
    const std::byte* row = static_cast<const std::byte*>(product.weights) +
                           static_cast<size_t>(w) * static_cast<size_t>(product.n_cols) * size;
    for (int64_t r = 0; r < product.n_rows; ++r) {
      const float* x = product.x + r * product.x_stride;
      float lanes[8] = {};
      for (int64_t c = 0; c < product.n_cols; ++c)
        lanes[c % 8] += read(row + static_cast<size_t>(c) * size) * x[c];
      for (int step = 4; step > 0; step /= 2) {
        for (int i = 0; i < step; ++i) lanes[i] += lanes[i + step];
      }
      product.out[r * product.out_stride + w] = lanes[0];
    }
  }
}

}  // namespace

FloatProductKernel float_product(IsaLevel level, quant::Type type) {
#if defined(__x86_64__)
  if (level >= IsaLevel::kAvx512Vnni) {
    switch (type) {
      case quant::Type::kF32: return multiply_f32_avx512;
      case quant::Type::kF16: return multiply_f16_avx512;
      case quant::Type::kBF16: return multiply_bf16_avx512;
      default: return nullptr;
    }
  }
  if (level >= IsaLevel::kAvx2) {
    switch (type) {
      case quant::Type::kF32: return multiply_f32_avx2;
      case quant::Type::kF16: return multiply_f16_avx2;
      case quant::Type::kBF16: return multiply_bf16_avx2;
      default: return nullptr;
    }
  }
#elif defined(__aarch64__)
  if (level >= IsaLevel::kNeon) {
    switch (type) {
      case quant::Type::kF32: return multiply_f32_neon;
      case quant::Type::kF16: return multiply_f16_neon;
      case quant::Type::kBF16: return multiply_bf16_neon;
      default: return nullptr;
    }
  }
#endif
  static_cast<void>(level);
  switch (type) {
    case quant::Type::kF32: return multiply<read_f32, 4>;
    case quant::Type::kF16: return multiply<read_f16, 2>;
    case quant::Type::kBF16: return multiply<read_bf16, 2>;
    default: return nullptr;
  }
}

}  // namespace hearth::compute::cpu
