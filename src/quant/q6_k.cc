// Q6_K: 256 values in 16 sub-blocks of 16, each with a signed 8-bit scale; codes of 6 bits.
//
//   byte 0                     128          192      208  210
//        | low                 | high       | scales | d  |
//   low         64 bytes a half of the block: of value 128 h + 64 k + l, nibble k of byte 64 h + l
//   high        32 bytes a half of the block: of value 128 h + 32 k + l, bits 2k.. of byte 32 h + l
//   scales[j]   int8: scale of sub-block j
//   d           half
//
//   value = (d * scale) * (code - 32)
#include <cstddef>
#include <cstdint>

#include "base/half.h"
#include "quant/block.h"

namespace hearth::quant {
namespace {

struct Block {
  uint8_t low[128];
  uint8_t high[64];
  int8_t scales[16];
  uint16_t d;
};
static_assert(sizeof(Block) == 210);

}  // namespace

void decode_q6_k(const std::byte* blocks, size_t n_blocks, float* out) {
  for (size_t b = 0; b < n_blocks; ++b, out += 256) {
    const auto block = load_block<Block>(blocks, b);
    const float d = half_to_float(block.d);
    for (int i = 0; i < 256; ++i) {
      const int half = i / 128;
      const int low = block.low[64 * half + i % 64] >> i % 128 / 64 * 4 & 15;
      const int high = block.high[32 * half + i % 32] >> i % 128 / 32 * 2 & 3;
      const float scale = d * static_cast<float>(block.scales[i / 16]);
      out[i] = scale * static_cast<float>((low | high << 4) - 32);
    }
  }
}

}  // namespace hearth::quant
