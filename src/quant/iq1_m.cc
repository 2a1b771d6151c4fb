// IQ1_M: 256 values in 16 sub-blocks of 16, each with a 3-bit scale; 32 code book entries of 8
// values -1, 0 or 1, each with a shift. The block's scale has no field of its own.
//
//   byte 0                    32            48       56
//        | low                | high        | scales |
//   low[g]      bits 0..7 of the index of entry g
//   high        nibble g (low nibble first): bits 8..10 of the index; bit 3: shift is -1/8
//   scales[i]   uint16: bits 3s..3s+2: scale of sub-block 4 i + s; bits 12..15: bits 4i.. of d
//   d           half
//
//   value = (d * (2 * scale + 1)) * (entry's value + shift)      shift = 1/8 or -1/8
#include <cstddef>
#include <cstdint>

#include "base/half.h"
#include "quant/block.h"
#include "quant/iq_grid.h"

namespace hearth::quant {
namespace {

struct Block {
  uint8_t low[32];
  uint8_t high[16];
  uint16_t scales[4];
};
static_assert(sizeof(Block) == 56);

float block_scale(const Block& block) {
  int bits = 0;
  for (int i = 0; i < 4; ++i) bits |= (block.scales[i] >> 12) << 4 * i;
  return half_to_float(static_cast<uint16_t>(bits));
}

}  // namespace

void decode_iq1_m(const std::byte* blocks, size_t n_blocks, float* out) {
  for (size_t b = 0; b < n_blocks; ++b) {
    const auto block = load_block<Block>(blocks, b);
    const float d = block_scale(block);
    for (int group = 0; group < 32; ++group, out += 8) {
      const int sub_block = group / 2;
      const int packed_scale = block.scales[sub_block / 4] >> 3 * (sub_block % 4) & 7;
      const float scale = d * static_cast<float>(2 * packed_scale + 1);
      const int high = block.high[group / 2] >> 4 * (group % 2);
      const float shift = (high & 8) != 0 ? -0.125f : 0.125f;
      const int entry = kIq1Grid[block.low[group] | (high & 7) << 8];
      for (int k = 0; k < 8; ++k) {
        out[k] = scale * (static_cast<float>(kIq1Values[entry >> 2 * k & 3]) + shift);
      }
    }
  }
}

}  // namespace hearth::quant
