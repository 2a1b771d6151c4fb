// IQ2_XXS: 256 values in 8 sub-blocks of 32, each with a 4-bit scale; 4 code book entries of 8
// magnitudes a sub-block, with 7 bits of signs each.
//
//   byte 0    2                                      66
//        | d  | 8 sub-blocks of 8 bytes              |
//   d            half
//   sub-block    byte 0..3: index of entry l; uint32 at byte 4: bits 7l..7l+6: signs of entry l's
//                values (even_signs), bits 28..31: scale
//
//   value = ((d * (0.5 + scale)) * 0.25) * magnitude * sign
#include <cstddef>
#include <cstdint>

#include "base/half.h"
#include "quant/block.h"
#include "quant/iq_grid.h"

namespace hearth::quant {
namespace {

struct SubBlock {
  uint8_t index[4];
  uint16_t low;  // of the uint32; in halves, since sub-blocks start at even bytes only
  uint16_t high;
};

struct Block {
  uint16_t d;
  SubBlock sub_blocks[8];
};
static_assert(sizeof(Block) == 66);

}  // namespace

void decode_iq2_xxs(const std::byte* blocks, size_t n_blocks, float* out) {
  for (size_t b = 0; b < n_blocks; ++b) {
    const auto block = load_block<Block>(blocks, b);
    const float d = half_to_float(block.d);
    for (int group = 0; group < 32; ++group, out += 8) {
      const SubBlock& sub_block = block.sub_blocks[group / 4];
      const uint32_t packed = sub_block.low | static_cast<uint32_t>(sub_block.high) << 16;
      const float scale = d * (0.5f + static_cast<float>(packed >> 28)) * 0.25f;
      const uint8_t signs = even_signs(packed >> 7 * (group % 4));
      const int entry = kIq2XxsGrid[sub_block.index[group % 4]];
      for (int k = 0; k < 8; ++k) {
        out[k] = scale * static_cast<float>(kIq2Values[entry >> 2 * k & 3]) * sign_of(signs, k);
      }
    }
  }
}

}  // namespace hearth::quant
