// IQ4_NL: 32 values, one scale, codes of 4 bits for 16 unevenly spaced values (code_values.h).
//
//   byte 0    2                  18
//        | d  | codes            |
//   d          half
//   codes[i]   low nibble: value i; high nibble: value 16 + i
//
//   value = d * kIq4Values[code]
#include <cstddef>
#include <cstdint>

#include "base/half.h"
#include "quant/block.h"
#include "quant/code_values.h"

namespace hearth::quant {
namespace {

struct Block {
  uint16_t d;
  uint8_t codes[16];
};
static_assert(sizeof(Block) == 18);

}  // namespace

void decode_iq4_nl(const std::byte* blocks, size_t n_blocks, float* out) {
  for (size_t b = 0; b < n_blocks; ++b, out += 32) {
    const auto block = load_block<Block>(blocks, b);
    const float d = half_to_float(block.d);
    for (int i = 0; i < 16; ++i) {
      out[i] = d * static_cast<float>(kIq4Values[block.codes[i] & 15]);
      out[16 + i] = d * static_cast<float>(kIq4Values[block.codes[i] >> 4]);
    }
  }
}

}  // namespace hearth::quant
