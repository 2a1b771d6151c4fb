// TQ1_0: 256 values -1, 0 or 1, one scale; 5 codes of base 3 a byte.
//
//   byte 0                 32        48   52   54
//        | wide            | narrow  | end | d  |
//   wide     digit n of byte i: value 32 n + i          n = 0..4
//   narrow   digit n of byte i: value 160 + 16 n + i    n = 0..4
//   end      digit n of byte i: value 240 + 4 n + i     n = 0..3
//   d        half
//
//   A byte is the fraction of 256 that its digits, the first one the most significant, are of 3^5,
//   rounded up; so digit n = (byte * 3^n mod 256) * 3 / 256.
//
//   value = d * (digit - 1)
#include <cstddef>
#include <cstdint>

#include "base/half.h"
#include "quant/block.h"

namespace hearth::quant {
namespace {

struct Block {
  uint8_t wide[32];
  uint8_t narrow[16];
  uint8_t end[4];
  uint16_t d;
};
static_assert(sizeof(Block) == 54);

float ternary(uint8_t byte, int n) {
  constexpr int kPowers[5] = {1, 3, 9, 27, 81};
  const int fraction = byte * kPowers[n] & 255;
  return static_cast<float>((fraction * 3 >> 8) - 1);
}

}  // namespace

void decode_tq1_0(const std::byte* blocks, size_t n_blocks, float* out) {
  for (size_t b = 0; b < n_blocks; ++b) {
    const auto block = load_block<Block>(blocks, b);
    const float d = half_to_float(block.d);
    for (int n = 0; n < 5; ++n) {
      for (const uint8_t byte : block.wide) *out++ = d * ternary(byte, n);
    }
    for (int n = 0; n < 5; ++n) {
      for (const uint8_t byte : block.narrow) *out++ = d * ternary(byte, n);
    }
    for (int n = 0; n < 4; ++n) {
      for (const uint8_t byte : block.end) *out++ = d * ternary(byte, n);
    }
  }
}

}  // namespace hearth::quant
