// The code books of the i-quants. An entry stands for 8 values (IQ1, IQ2) or 4 values (IQ3), drawn
// from a short list of magnitudes; an entry holds their places in that list.
//
//   IQ1, IQ2   place of value k: bits 2k, 2k+1    k = 0..7
//   IQ3        place of value k: bits 4k .. 4k+2  k = 0..3
#pragma once

#include <bit>
#include <cstdint>

namespace hearth::quant {

extern const uint16_t kIq1Grid[2048];  // IQ1_S and IQ1_M
extern const uint16_t kIq2XxsGrid[256];
extern const uint16_t kIq2XsGrid[512];
extern const uint16_t kIq2SGrid[1024];
extern const uint16_t kIq3XxsGrid[256];
extern const uint16_t kIq3SGrid[512];

// Place 3 occurs in no entry.
inline constexpr int8_t kIq1Values[4] = {-1, 0, 1, 0};
inline constexpr uint8_t kIq2Values[4] = {8, 25, 43, 0};
inline constexpr uint8_t kIq3XxsValues[8] = {4, 12, 20, 28, 36, 44, 52, 62};
inline constexpr uint8_t kIq3SValues[8] = {1, 3, 5, 7, 9, 11, 13, 15};

// The signs of 8 values, bit k set for a negative value k, from 7 stored bits: the number of
// negative values is even, so the eighth is their parity.
inline uint8_t even_signs(uint32_t stored) {
  stored &= 127;
  return static_cast<uint8_t>(stored | (std::popcount(stored) & 1u) << 7);
}

// +1 or -1: the sign of value k.
inline float sign_of(uint8_t signs, int k) { return (signs >> k & 1) != 0 ? -1.0f : 1.0f; }

}  // namespace hearth::quant
