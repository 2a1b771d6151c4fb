// TQ2_0: 256 values -1, 0 or 1 (a code of 3 gives 2), one scale; codes of 2 bits.
//
//   byte 0                              64   66
//        | codes                        | d  |
//   codes   32 bytes a half of the block: of value 128 h + 32 k + l, bits 2k.. of byte 32 h + l
//   d       half
//
//   value = d * (code - 1)
#include <cstddef>
#include <cstdint>

#include "base/half.h"
#include "quant/block.h"

namespace hearth::quant {
namespace {

struct Block {
  uint8_t codes[64];
  uint16_t d;
};
static_assert(sizeof(Block) == 66);

}  // namespace

void decode_tq2_0(const std::byte* blocks, size_t n_blocks, float* out) {
  for (size_t b = 0; b < n_blocks; ++b, out += 256) {
    const auto block = load_block<Block>(blocks, b);
    const float d = half_to_float(block.d);
    for (int i = 0; i < 256; ++i) {
      const int code = block.codes[32 * (i / 128) + i % 32] >> i % 128 / 32 * 2 & 3;
      out[i] = d * static_cast<float>(code - 1);
    }
  }
}

}  // namespace hearth::quant
