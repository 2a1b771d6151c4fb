// Q4_1: 32 values, a scale and a minimum, codes of 4 bits.
//
//   byte 0    2    4                  20
//        | d  | m  | codes            |
//   d, m       halves
//   codes[i]   low nibble: value i; high nibble: value 16 + i
//
//   value = d * code + m
//
// Encoding: m = least value, d = (greatest - least) / 15, code = min(15, trunc((value - m) / d +
// 0.5)).
#include <algorithm>
#include <cfloat>
#include <cstddef>
#include <cstdint>

#include "base/half.h"
#include "quant/block.h"
#include "quant/rounding.h"

namespace hearth::quant {
namespace {

struct Block {
  uint16_t d;
  uint16_t m;
  uint8_t codes[16];
};
static_assert(sizeof(Block) == 20);

uint8_t code_of(float distance, float inverse) {
  return static_cast<uint8_t>(
      std::min<int8_t>(15, static_cast<int8_t>(truncate(distance * inverse + 0.5f))));
}

}  // namespace

void decode_q4_1(const std::byte* blocks, size_t n_blocks, float* out) {
  for (size_t b = 0; b < n_blocks; ++b, out += 32) {
    const auto block = load_block<Block>(blocks, b);
    const float d = half_to_float(block.d);
    const float m = half_to_float(block.m);
    for (int i = 0; i < 16; ++i) {
      out[i] = d * static_cast<float>(block.codes[i] & 15) + m;
      out[16 + i] = d * static_cast<float>(block.codes[i] >> 4) + m;
    }
  }
}

void encode_q4_1(const float* values, size_t n_blocks, std::byte* out) {
  for (size_t b = 0; b < n_blocks; ++b, values += 32) {
    float least = FLT_MAX;
    float greatest = -FLT_MAX;
    for (int i = 0; i < 32; ++i) {
      if (values[i] < least) least = values[i];
      if (values[i] > greatest) greatest = values[i];
    }
    const float d = (greatest - least) / 15.0f;
    const float inverse = d != 0.0f ? 1.0f / d : 0.0f;
    Block block{.d = float_to_half(d), .m = float_to_half(least), .codes = {}};
    for (int i = 0; i < 16; ++i) {
      block.codes[i] = static_cast<uint8_t>(code_of(values[i] - least, inverse) |
                                            code_of(values[16 + i] - least, inverse) << 4);
    }
    store_block(out, b, block);
  }
}

}  // namespace hearth::quant
