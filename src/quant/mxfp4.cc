// MXFP4: 32 values of 4-bit floating point with one power of two (OCP Microscaling Formats 1.0).
//
//   byte 0          1                  17
//        | exponent | codes            |
//   exponent   E8M0: the scale is 2^(exponent - 127)
//   codes[i]   low nibble: value i; high nibble: value 16 + i; E2M1: s ee m
//
//   value = 2^(exponent - 128) * kMxfp4Values[code]
//
// Exponent 255, NaN in the OCP paper, is a number here, as it is in GGML.
#include <bit>
#include <cstddef>
#include <cstdint>

#include "quant/block.h"
#include "quant/code_values.h"

namespace hearth::quant {
namespace {

struct Block {
  uint8_t exponent;
  uint8_t codes[16];
};
static_assert(sizeof(Block) == 17);

// 2^(exponent - 128); the least two are below the normal floats.
float half_scale(uint32_t exponent) {
  return std::bit_cast<float>(exponent < 2 ? 0x00200000u << exponent : (exponent - 1) << 23);
}

}  // namespace

void decode_mxfp4(const std::byte* blocks, size_t n_blocks, float* out) {
  for (size_t b = 0; b < n_blocks; ++b, out += 32) {
    const auto block = load_block<Block>(blocks, b);
    const float d = half_scale(block.exponent);
    for (int i = 0; i < 16; ++i) {
      out[i] = d * static_cast<float>(kMxfp4Values[block.codes[i] & 15]);
      out[16 + i] = d * static_cast<float>(kMxfp4Values[block.codes[i] >> 4]);
    }
  }
}

}  // namespace hearth::quant
