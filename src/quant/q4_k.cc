// Q4_K: 256 values in 8 sub-blocks of 32, each with a 6-bit scale and a 6-bit minimum; codes of 4
// bits.
//
//   byte 0    2      4         16                             144
//        | d  | dmin | scales  | codes                        |
//   d, dmin   halves
//   scales    see k_scales.h
//   codes     32 bytes for two sub-blocks: low nibbles are sub-block 2 c, high nibbles 2 c + 1
//
//   value = (d * scale) * code - (dmin * min)
#include <cstddef>
#include <cstdint>

#include "base/half.h"
#include "quant/block.h"
#include "quant/k_scales.h"

namespace hearth::quant {
namespace {

struct Block {
  uint16_t d;
  uint16_t dmin;
  uint8_t scales[12];
  uint8_t codes[128];
};
static_assert(sizeof(Block) == 144);

}  // namespace

void decode_q4_k(const std::byte* blocks, size_t n_blocks, float* out) {
  for (size_t b = 0; b < n_blocks; ++b, out += 256) {
    const auto block = load_block<Block>(blocks, b);
    const float d = half_to_float(block.d);
    const float dmin = half_to_float(block.dmin);
    for (int j = 0; j < 8; ++j) {
      const ScaleAndMin packed = unpack_k_scale(block.scales, j);
      const float scale = d * static_cast<float>(packed.scale);
      const float min = dmin * static_cast<float>(packed.min);
      for (int i = 0; i < 32; ++i) {
        const int code = block.codes[32 * (j / 2) + i] >> 4 * (j % 2) & 15;
        out[32 * j + i] = scale * static_cast<float>(code) - min;
      }
    }
  }
}

}  // namespace hearth::quant
