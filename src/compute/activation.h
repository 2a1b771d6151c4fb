// How an operation's input is rounded to 8 bits before it meets quantized weights.
//
// The rounding is GGML's (quantize_row_q8_0, _q8_1, _q8_K), so that the same file gives the same
// numbers as other programs up to the order of float sums. Which format a weight takes is part of
// the operation's definition: the reference and every kernel agree on it.
#pragma once

#include <cstdint>

#include "quant/type.h"

namespace hearth::compute {

enum class ActivationFormat {
  kF32,     // not quantized: F32, F16, BF16 weights
  kQ8x32,   // blocks of 32; scale rounded to half precision: legacy types
  kQ8x256,  // blocks of 256, float scale: k-quants and i-quants
};

// The format that products with a weight type take.
ActivationFormat activation_format(quant::Type type);

// d = max|x| / 127; codes = round_half_even(x * (127 / max|x|)), all 0 if max|x| is 0 or so small
// that the factor overflows. *scale = half(d). *scaled_sum = half(d * sum of codes).
// A NaN or an infinity among the values: codes 0, scale and scaled_sum NaN.
void quantize_q8x32(const float values[32], int8_t codes[32], float* scale, float* scaled_sum);

// m = the value of largest magnitude (the first one of equals); codes = min(127, round_half_even(x
// * (-127 / m))). *scale = 1 / (-127 / m). sums[i]: sum of codes [16 i, 16 i + 16). All 0 if m is 0
// or so small that the factor overflows. A NaN or an infinity: codes and sums 0, scale NaN.
void quantize_q8x256(const float values[256], int8_t codes[256], float* scale, int16_t sums[16]);

}  // namespace hearth::compute
