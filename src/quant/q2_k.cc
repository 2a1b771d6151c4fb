// Q2_K: 256 values in 16 sub-blocks of 16, each with a 4-bit scale and a 4-bit minimum; codes of 2
// bits.
//
//   byte 0           16                              80    82     84
//        | scales    | codes                         | d   | dmin |
//   scales[j]   low nibble: scale of sub-block j; high nibble: its minimum
//   codes       32 bytes a half of the block: of value 128 h + 32 k + l, bits 2k.. of byte 32 h + l
//   d, dmin     halves
//
//   value = (d * scale) * code - (dmin * min)
#include <cstddef>
#include <cstdint>

#include "base/half.h"
#include "quant/block.h"

namespace hearth::quant {
namespace {

struct Block {
  uint8_t scales[16];
  uint8_t codes[64];
  uint16_t d;
  uint16_t dmin;
};
static_assert(sizeof(Block) == 84);

}  // namespace

void decode_q2_k(const std::byte* blocks, size_t n_blocks, float* out) {
  for (size_t b = 0; b < n_blocks; ++b, out += 256) {
    const auto block = load_block<Block>(blocks, b);
    const float d = half_to_float(block.d);
    const float dmin = half_to_float(block.dmin);
    for (int i = 0; i < 256; ++i) {
      const int half = i / 128;
      const int shift = i % 128 / 32 * 2;
      const float scale = d * static_cast<float>(block.scales[i / 16] & 15);
      const float min = dmin * static_cast<float>(block.scales[i / 16] >> 4);
      out[i] = scale * static_cast<float>(block.codes[32 * half + i % 32] >> shift & 3) - min;
    }
  }
}

}  // namespace hearth::quant
