// IQ2_S: 256 values in 16 sub-blocks of 16, each with a 4-bit scale; 2 code book entries of 8
// magnitudes a sub-block, with a byte of signs each.
//
//   byte 0    2                34               66     74       82
//        | d  | low            | signs          | high | scales |
//   d          half
//   low[g]     bits 0..7 of the index of entry g
//   signs[g]   bit k set: value k of entry g is negative
//   high       bits 2 (g % 4).. of byte g / 4: bits 8..9 of the index of entry g
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
  uint8_t low[32];
  uint8_t signs[32];
  uint8_t high[8];
  uint8_t scales[8];
};
static_assert(sizeof(Block) == 82);

}  // namespace

void decode_iq2_s(const std::byte* blocks, size_t n_blocks, float* out) {
  for (size_t b = 0; b < n_blocks; ++b) {
    const auto block = load_block<Block>(blocks, b);
    const float d = half_to_float(block.d);
    for (int group = 0; group < 32; ++group, out += 8) {
      const int packed_scale = block.scales[group / 4] >> 4 * (group / 2 % 2) & 15;
      const float scale = d * (0.5f + static_cast<float>(packed_scale)) * 0.25f;
      const int high = block.high[group / 4] >> 2 * (group % 4) & 3;
      const int entry = kIq2SGrid[block.low[group] | high << 8];
      for (int k = 0; k < 8; ++k) {
        out[k] = scale * static_cast<float>(kIq2Values[entry >> 2 * k & 3]) *
                 sign_of(block.signs[group], k);
      }
    }
  }
}

}  // namespace hearth::quant
