// IQ2_XS: 256 values in 16 sub-blocks of 16, each with a 4-bit scale; 2 code book entries of 8
// magnitudes a sub-block, with 7 bits of signs each.
//
//   byte 0    2                              66       74
//        | d  | codes                        | scales |
//   d          half
//   codes[g]   uint16: bits 0..8: index of entry g; 9..15: signs of its values (even_signs)
//   scales     nibble j (low nibble first): scale of sub-block j
//
//   value = ((d * (0.5 + scale)) * 0.25) * magnitude * sign
#include <cstddef>
#include <cstdint>

#include "base/half.h"
#include "quant/block.h"
#include "quant/iq_grid.h"

namespace hearth::quant {
namespace {

struct Block {
  uint16_t d;
  uint16_t codes[32];
  uint8_t scales[8];
};
static_assert(sizeof(Block) == 74);

}  // namespace

void decode_iq2_xs(const std::byte* blocks, size_t n_blocks, float* out) {
  for (size_t b = 0; b < n_blocks; ++b) {
    const auto block = load_block<Block>(blocks, b);
    const float d = half_to_float(block.d);
    for (int group = 0; group < 32; ++group, out += 8) {
      const int packed_scale = block.scales[group / 4] >> 4 * (group / 2 % 2) & 15;
      const float scale = d * (0.5f + static_cast<float>(packed_scale)) * 0.25f;
      const uint8_t signs = even_signs(block.codes[group] >> 9);
      const int entry = kIq2XsGrid[block.codes[group] & 511];
      for (int k = 0; k < 8; ++k) {
        out[k] = scale * static_cast<float>(kIq2Values[entry >> 2 * k & 3]) * sign_of(signs, k);
      }
    }
  }
}

}  // namespace hearth::quant
