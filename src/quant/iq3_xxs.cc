// IQ3_XXS: 256 values in 8 sub-blocks of 32, each with a 4-bit scale; 8 code book entries of 4
// magnitudes a sub-block, with 7 bits of signs for two entries.
//
//   byte 0    2                              66             98
//        | d  | index                        | signs        |
//   d          half
//   index[e]   of entry e; sub-block j has entries 8 j .. 8 j + 7
//   signs[j]   uint32: bits 7l..7l+6: signs (even_signs) of the values 8 l .. 8 l + 7 of sub-block
//   j,
//              bits 28..31: scale
//
//   value = ((d * (0.5 + scale)) * 0.5) * magnitude * sign
#include <cstddef>
#include <cstdint>

#include "base/half.h"
#include "quant/block.h"
#include "quant/iq_grid.h"

namespace hearth::quant {
namespace {

struct Block {
  uint16_t d;
  uint8_t index[64];
  uint16_t signs[8][2];  // low and high half of the uint32, which is at an even byte only
};
static_assert(sizeof(Block) == 98);

}  // namespace

void decode_iq3_xxs(const std::byte* blocks, size_t n_blocks, float* out) {
  for (size_t b = 0; b < n_blocks; ++b) {
    const auto block = load_block<Block>(blocks, b);
    const float d = half_to_float(block.d);
    for (int group = 0; group < 32; ++group, out += 8) {
      const uint16_t* halves = block.signs[group / 4];
      const uint32_t packed = halves[0] | static_cast<uint32_t>(halves[1]) << 16;
      const float scale = d * (0.5f + static_cast<float>(packed >> 28)) * 0.5f;
      const uint8_t signs = even_signs(packed >> 7 * (group % 4));
      for (int k = 0; k < 8; ++k) {
        const int entry = kIq3XxsGrid[block.index[2 * group + k / 4]];
        const int place = entry >> 4 * (k % 4) & 7;
        out[k] = scale * static_cast<float>(kIq3XxsValues[place]) * sign_of(signs, k);
      }
    }
  }
}

}  // namespace hearth::quant
