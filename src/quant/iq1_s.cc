// IQ1_S: 256 values in 8 sub-blocks of 32, each with a 3-bit scale and a shift; 4 code book entries
// of 8 values -1, 0 or 1 a sub-block.
//
//   byte 0    2                      34               50
//        | d  | low                  | high           |
//   d         half
//   low       entry l of sub-block j: bits 0..7 of its index in byte 4 j + l
//   high[j]   uint16: bits 3l..3l+2: bits 8..10 of entry l's index; 12..14: scale; 15: shift is
//   -1/8
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
  uint16_t d;
  uint8_t low[32];
  uint16_t high[8];
};
static_assert(sizeof(Block) == 50);

}  // namespace

void decode_iq1_s(const std::byte* blocks, size_t n_blocks, float* out) {
  for (size_t b = 0; b < n_blocks; ++b) {
    const auto block = load_block<Block>(blocks, b);
    const float d = half_to_float(block.d);
    for (int group = 0; group < 32; ++group, out += 8) {
      const int high = block.high[group / 4];
      const float scale = d * static_cast<float>(2 * (high >> 12 & 7) + 1);
      const float shift = (high & 0x8000) != 0 ? -0.125f : 0.125f;
      const int index = block.low[group] | (high >> 3 * (group % 4) & 7) << 8;
      const int entry = kIq1Grid[index];
      for (int k = 0; k < 8; ++k) {
        out[k] = scale * (static_cast<float>(kIq1Values[entry >> 2 * k & 3]) + shift);
      }
    }
  }
}

}  // namespace hearth::quant
