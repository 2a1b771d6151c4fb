// F32, F16, BF16: one value a block, little-endian.
//
//   F32    s eeeeeeee mmmmmmmmmmmmmmmmmmmmmmm    IEEE 754 single
//   F16    s eeeee mmmmmmmmmm                    IEEE 754 half
//   BF16   s eeeeeeee mmmmmmm                    the upper half of an F32
//
// Encoding rounds to nearest, ties to even; NaN stays NaN, and what is too large becomes infinity.
#include <cstddef>
#include <cstdint>

#include "base/half.h"
#include "quant/block.h"

namespace hearth::quant {

void decode_f32(const std::byte* blocks, size_t n_blocks, float* out) {
  for (size_t i = 0; i < n_blocks; ++i) out[i] = load_block<float>(blocks, i);
}

void encode_f32(const float* values, size_t n_blocks, std::byte* out) {
  for (size_t i = 0; i < n_blocks; ++i) store_block(out, i, values[i]);
}

void decode_f16(const std::byte* blocks, size_t n_blocks, float* out) {
  for (size_t i = 0; i < n_blocks; ++i) out[i] = half_to_float(load_block<uint16_t>(blocks, i));
}

void encode_f16(const float* values, size_t n_blocks, std::byte* out) {
  for (size_t i = 0; i < n_blocks; ++i) store_block(out, i, float_to_half(values[i]));
}

void decode_bf16(const std::byte* blocks, size_t n_blocks, float* out) {
  for (size_t i = 0; i < n_blocks; ++i) out[i] = bfloat16_to_float(load_block<uint16_t>(blocks, i));
}

void encode_bf16(const float* values, size_t n_blocks, std::byte* out) {
  for (size_t i = 0; i < n_blocks; ++i) store_block(out, i, float_to_bfloat16(values[i]));
}

}  // namespace hearth::quant
