// Q4_0: 32 values, one scale, codes of 4 bits around 8.
//
//   byte 0    2                  18
//        | d  | codes            |
//   d          half
//   codes[i]   low nibble: value i; high nibble: value 16 + i
//
//   value = d * (code - 8)
//
// Encoding: d = m / -8, where m is the value of largest magnitude (the first of equals), so that m
// itself gets code 0; code = min(15, trunc(value / d + 8.5)).
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "base/half.h"
#include "quant/block.h"
#include "quant/rounding.h"

namespace hearth::quant {
namespace {

struct Block {
  uint16_t d;
  uint8_t codes[16];
};
static_assert(sizeof(Block) == 18);

uint8_t code_of(float value, float inverse) {
  return static_cast<uint8_t>(
      std::min<int8_t>(15, static_cast<int8_t>(truncate(value * inverse + 8.5f))));
}

}  // namespace

void decode_q4_0(const std::byte* blocks, size_t n_blocks, float* out) {
  for (size_t b = 0; b < n_blocks; ++b, out += 32) {
    const auto block = load_block<Block>(blocks, b);
    const float d = half_to_float(block.d);
    for (int i = 0; i < 16; ++i) {
      out[i] = d * static_cast<float>((block.codes[i] & 15) - 8);
      out[16 + i] = d * static_cast<float>((block.codes[i] >> 4) - 8);
    }
  }
}

void encode_q4_0(const float* values, size_t n_blocks, std::byte* out) {
  for (size_t b = 0; b < n_blocks; ++b, values += 32) {
    float largest = 0.0f;
    for (int i = 0; i < 32; ++i) {
      if (std::fabs(values[i]) > std::fabs(largest)) largest = values[i];
    }
    const float d = largest / -8.0f;
    const float inverse = d != 0.0f ? 1.0f / d : 0.0f;
    Block block{.d = float_to_half(d), .codes = {}};
    for (int i = 0; i < 16; ++i) {
      block.codes[i] =
          static_cast<uint8_t>(code_of(values[i], inverse) | code_of(values[16 + i], inverse) << 4);
    }
    store_block(out, b, block);
  }
}

}  // namespace hearth::quant
