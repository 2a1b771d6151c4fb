// Products of F32, F16 and BF16 weights with f32 activations, run in place from the file's bytes.
//
// A dot product is one chain: 8 lanes that each take every eighth column in ascending order (with
// AVX-512: 16, every sixteenth), then one fixed sum of the lanes. Its bits depend on nothing else,
// so calls may cut rows at will.
#pragma once

#include <cstdint>

#include "base/cpu_features.h"
#include "quant/type.h"

namespace hearth::compute::cpu {

struct FloatProduct {
  const void* weights;  // [n_weight_rows, n_cols], contiguous, any alignment
  int64_t n_weight_rows;
  int64_t n_cols;
  const float* x;  // row i at x + i * x_stride
  int64_t n_rows, x_stride;
  float* out;  // out[i * out_stride + weight row]
  int64_t out_stride;
};
using FloatProductKernel = void (*)(const FloatProduct& product);

// Null for a type other than F32, F16 and BF16.
FloatProductKernel float_product(IsaLevel level, quant::Type type);

void multiply_f32_avx2(const FloatProduct& product);
void multiply_f16_avx2(const FloatProduct& product);
void multiply_bf16_avx2(const FloatProduct& product);
void multiply_f32_avx512(const FloatProduct& product);
void multiply_f16_avx512(const FloatProduct& product);
void multiply_bf16_avx512(const FloatProduct& product);
void multiply_f32_neon(const FloatProduct& product);
void multiply_f16_neon(const FloatProduct& product);
void multiply_bf16_neon(const FloatProduct& product);

}  // namespace hearth::compute::cpu
