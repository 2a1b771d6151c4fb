// Q5_0: 32 values, one scale, codes of 5 bits around 16.
//
//   byte 0    2       6                  22
//        | d  | high  | low              |
//   d         half
//   high      uint32: bit i is bit 4 of value i's code
//   low[i]    low nibble: bits 0..3 of value i's code; high nibble: of value 16 + i's
//
//   value = d * (code - 16)
#include <cstddef>
#include <cstdint>

#include "base/half.h"
#include "quant/block.h"

namespace hearth::quant {
namespace {

struct Block {
  uint16_t d;
  uint8_t high[4];
  uint8_t low[16];
};
static_assert(sizeof(Block) == 22);

int high_bit(const Block& block, int i) { return block.high[i / 8] >> i % 8 & 1; }

}  // namespace

void decode_q5_0(const std::byte* blocks, size_t n_blocks, float* out) {
  for (size_t b = 0; b < n_blocks; ++b, out += 32) {
    const auto block = load_block<Block>(blocks, b);
    const float d = half_to_float(block.d);
    for (int i = 0; i < 16; ++i) {
      const int first = (block.low[i] & 15) | high_bit(block, i) << 4;
      const int second = block.low[i] >> 4 | high_bit(block, 16 + i) << 4;
      out[i] = d * static_cast<float>(first - 16);
      out[16 + i] = d * static_cast<float>(second - 16);
    }
  }
}

}  // namespace hearth::quant
