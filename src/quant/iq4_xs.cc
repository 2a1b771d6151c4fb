// IQ4_XS: 256 values in 8 sub-blocks of 32, each with a signed 6-bit scale; codes of 4 bits for 16
// unevenly spaced values (code_values.h).
//
//   byte 0    2             4            8                          136
//        | d  | high scales | low scales | codes                    |
//   d            half
//   high scales  uint16: bits 2j..2j+1: bits 4..5 of the scale of sub-block j
//   low scales   nibble j (low nibble first): bits 0..3 of the scale of sub-block j
//   codes        16 bytes a sub-block: low nibble of byte i: value i; high nibble: value 16 + i
//
//   value = (d * (scale - 32)) * kIq4Values[code]
#include <cstddef>
#include <cstdint>

#include "base/half.h"
#include "quant/block.h"
#include "quant/code_values.h"

namespace hearth::quant {
namespace {

struct Block {
  uint16_t d;
  uint16_t high_scales;
  uint8_t low_scales[4];
  uint8_t codes[128];
};
static_assert(sizeof(Block) == 136);

}  // namespace

void decode_iq4_xs(const std::byte* blocks, size_t n_blocks, float* out) {
  for (size_t b = 0; b < n_blocks; ++b) {
    const auto block = load_block<Block>(blocks, b);
    const float d = half_to_float(block.d);
    for (int j = 0; j < 8; ++j, out += 32) {
      const int low = block.low_scales[j / 2] >> 4 * (j % 2) & 15;
      const int high = block.high_scales >> 2 * j & 3;
      const float scale = d * static_cast<float>((low | high << 4) - 32);
      for (int i = 0; i < 16; ++i) {
        const int codes = block.codes[16 * j + i];
        out[i] = scale * static_cast<float>(kIq4Values[codes & 15]);
        out[16 + i] = scale * static_cast<float>(kIq4Values[codes >> 4]);
      }
    }
  }
}

}  // namespace hearth::quant
