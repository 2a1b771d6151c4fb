// The 8 scales and 8 minimums of a Q4_K or Q5_K block: 6 bits each in 12 bytes.
//
//   byte  0..3    top 2 bits of scale 4+j | scale j     j = byte
//   byte  4..7    top 2 bits of min 4+j   | min j       j = byte - 4
//   byte  8..11   low 4 bits of min 4+j   | low 4 bits of scale 4+j
#pragma once

#include <cstdint>

namespace hearth::quant {

struct ScaleAndMin {
  uint8_t scale;  // 0..63
  uint8_t min;    // 0..63
};

// Of sub-block j, 0 <= j < 8.
inline ScaleAndMin unpack_k_scale(const uint8_t packed[12], int j) {
  if (j < 4) {
    return {static_cast<uint8_t>(packed[j] & 63), static_cast<uint8_t>(packed[j + 4] & 63)};
  }
  const int low = packed[j + 4];
  return {static_cast<uint8_t>((low & 15) | (packed[j - 4] >> 6) << 4),
          static_cast<uint8_t>(low >> 4 | (packed[j] >> 6) << 4)};
}

}  // namespace hearth::quant
