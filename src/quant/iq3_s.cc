// IQ3_S: 256 values in 8 sub-blocks of 32, each with a 4-bit scale; 8 code book entries of 4
// magnitudes a sub-block, with a byte of signs for two entries.
//
//   byte 0    2                         66     74               106      110
//        | d  | low                     | high | signs          | scales |
//   d          half
//   low[e]     bits 0..7 of the index of entry e; sub-block j has entries 8 j .. 8 j + 7
//   high[j]    bit e: bit 8 of the index of entry 8 j + e
//   signs[g]   bit k set: value 8 g + k is negative
//   scales     nibble j (low nibble first): scale of sub-block j
//
//   value = (d * (1 + 2 * scale)) * magnitude * sign
#include <cstddef>
#include <cstdint>

#include "base/half.h"
#include "quant/block.h"
#include "quant/iq_grid.h"

namespace hearth::quant {
namespace {

struct Block {
  uint16_t d;
  uint8_t low[64];
  uint8_t high[8];
  uint8_t signs[32];
  uint8_t scales[4];
};
static_assert(sizeof(Block) == 110);

int entry_of(const Block& block, int e) {
  return kIq3SGrid[block.low[e] | (block.high[e / 8] >> e % 8 & 1) << 8];
}

}  // namespace

void decode_iq3_s(const std::byte* blocks, size_t n_blocks, float* out) {
  for (size_t b = 0; b < n_blocks; ++b) {
    const auto block = load_block<Block>(blocks, b);
    const float d = half_to_float(block.d);
    for (int group = 0; group < 32; ++group, out += 8) {
      const int packed_scale = block.scales[group / 8] >> 4 * (group / 4 % 2) & 15;
      const float scale = d * static_cast<float>(1 + 2 * packed_scale);
      for (int k = 0; k < 8; ++k) {
        const int place = entry_of(block, 2 * group + k / 4) >> 4 * (k % 4) & 7;
        out[k] = scale * static_cast<float>(kIq3SValues[place]) * sign_of(block.signs[group], k);
      }
    }
  }
}

}  // namespace hearth::quant
