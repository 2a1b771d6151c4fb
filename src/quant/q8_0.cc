// Q8_0: 32 values, one scale, signed codes of 8 bits.
//
//   byte 0    2                                  34
//        | d  | codes                            |
//   d          half
//   codes[i]   int8: value i
//
//   value = code * d
//
// Encoding: d = max|value| / 127, code = value / d rounded to nearest, ties away from zero.
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
  int8_t codes[32];
};
static_assert(sizeof(Block) == 34);

}  // namespace

void decode_q8_0(const std::byte* blocks, size_t n_blocks, float* out) {
  for (size_t b = 0; b < n_blocks; ++b, out += 32) {
    const auto block = load_block<Block>(blocks, b);
    const float d = half_to_float(block.d);
    for (int i = 0; i < 32; ++i) out[i] = static_cast<float>(block.codes[i]) * d;
  }
}

void encode_q8_0(const float* values, size_t n_blocks, std::byte* out) {
  for (size_t b = 0; b < n_blocks; ++b, values += 32) {
    float largest = 0.0f;
    for (int i = 0; i < 32; ++i) largest = std::max(largest, std::fabs(values[i]));
    const float d = largest / 127.0f;
    const float inverse = d != 0.0f ? 1.0f / d : 0.0f;
    Block block{.d = float_to_half(d), .codes = {}};
    for (int i = 0; i < 32; ++i) {
      block.codes[i] = static_cast<int8_t>(truncate(std::round(values[i] * inverse)));
    }
    store_block(out, b, block);
  }
}

}  // namespace hearth::quant
