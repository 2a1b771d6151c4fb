// Q3_K: 256 values in 16 sub-blocks of 16, each with a signed 6-bit scale; codes of 3 bits.
//
//   byte 0          32                     96        108  110
//        | high     | low                  | scales  | d  |
//   high     of value 32 k + l, bit k of byte l: code's bit 2
//   low      32 bytes a half of the block: of value 128 h + 32 k + l, bits 2k.. of byte 32 h + l
//   scales   of sub-block j: bits 0..3 in nibble j / 8 of byte j % 8,
//            bits 4..5 in bits 2 (j / 4).. of byte 8 + j % 4
//   d        half
//
//   value = (d * (scale - 32)) * (code - 4)
#include <cstddef>
#include <cstdint>

#include "base/half.h"
#include "quant/block.h"

namespace hearth::quant {
namespace {

struct Block {
  uint8_t high[32];
  uint8_t low[64];
  uint8_t scales[12];
  uint16_t d;
};
static_assert(sizeof(Block) == 110);

int scale_of(const Block& block, int j) {
  const int low = block.scales[j % 8] >> 4 * (j / 8) & 15;
  const int high = block.scales[8 + j % 4] >> 2 * (j / 4) & 3;
  return (low | high << 4) - 32;
}

}  // namespace

void decode_q3_k(const std::byte* blocks, size_t n_blocks, float* out) {
  for (size_t b = 0; b < n_blocks; ++b, out += 256) {
    const auto block = load_block<Block>(blocks, b);
    const float d = half_to_float(block.d);
    for (int i = 0; i < 256; ++i) {
      const int half = i / 128;
      const int shift = i % 128 / 32 * 2;
      const int low = block.low[32 * half + i % 32] >> shift & 3;
      const int high = block.high[i % 32] >> i / 32 & 1;
      const float scale = d * static_cast<float>(scale_of(block, i / 16));
      out[i] = scale * static_cast<float>((low | high << 2) - 4);
    }
  }
}

}  // namespace hearth::quant
