// The sub-blocks of panels of IQ1 and IQ2: where their fields lie, and what they say as arrays that
// the kernels look code book entries up by. Everything has internal linkage, as *_avx2.cc files
// require; its loops are vectorized by the compiler for each instruction set.
//
// A sub-block has 32 columns of 8 rows, in four groups of 8 columns. Bytes, [group][row] unless
// said otherwise, with the file's own bits (quant/iq*.cc):
//
//   IQ2_XXS  32 index; 32: 7 signs, and on top bit `group` of the scale
//   IQ2_XS   32 index; 32: 7 signs, and on top bit 8 of the index; 8 [row] two scales
//   IQ2_S    32 index; 32 signs; 8 [row] bits 2 group..: bits 8, 9 of the index; 8 [row] two scales
//   IQ1_S    32 index; 8 x uint16 [row] as the file's `high`
//   IQ1_M    32 index; 16 [group / 2][row] nibble group % 2 as the file's `high`; 6: bits 3 i..
//            of the 48: scale of row i % 8, of columns 16 (i / 8)..
#pragma once

#include <cstddef>
#include <cstdint>

#include "quant/iq_books.h"

namespace hearth::compute::cpu {
namespace {

// What a sub-block says of its entries.
struct Entries {
  alignas(64) uint16_t index[32];  // [group][row]
  alignas(64) uint64_t signs[4];   // by group: bit 8 row + k is set where value k is negative
};

constexpr uint64_t kEachByte = 0x0101010101010101u;

inline uint64_t load_row_bytes(const uint8_t* from) {
  uint64_t bytes;
  __builtin_memcpy(&bytes, from, sizeof bytes);
  return bytes;
}

// Byte by byte: 7 stored signs, and the eighth, which makes the number of set bits even.
inline uint64_t even_signs_of(uint64_t bytes) {
  bytes &= kEachByte * 127;
  uint64_t parity = bytes ^ bytes >> 4;
  parity ^= parity >> 2;
  parity ^= parity >> 1;
  return bytes | (parity & kEachByte) << 7;
}

inline void load_even_signs(const uint8_t* from, Entries& entries) {
  for (int q = 0; q < 4; ++q) entries.signs[q] = even_signs_of(load_row_bytes(from + 8 * q));
}
inline void load_signs(const uint8_t* from, Entries& entries) {
  for (int q = 0; q < 4; ++q) entries.signs[q] = load_row_bytes(from + 8 * q);
}

// A format says: the scales of a sub-block, odd numbers [half][row] where it has two; the entries;
// the code book; and that value = d * kFactor * scale * (code - kOffset), where
//   code = kOffset +- byte of the entry     kHasShift: byte of the entry +- 1
// and no code exceeds kMostCode.
struct FormatIQ2_XXS {
  static constexpr int kSubBlockBytes = 64, kScales = 1, kOffset = 64, kMostCode = 107;
  static constexpr float kFactor = 0.125f;
  static constexpr bool kHasShift = false;
  static constexpr const auto& kBook = quant::kIq2XxsBook.entries;
  static void load_scales(const uint8_t* from, uint8_t* scales) {
    uint64_t sum = 0;
    for (int q = 0; q < 4; ++q) sum += (load_row_bytes(from + 32 + 8 * q) >> 7 & kEachByte) << q;
    sum = 2 * sum + kEachByte;
    __builtin_memcpy(scales, &sum, sizeof sum);
  }
  static void load_entries(const uint8_t* from, Entries& entries) {
    for (int i = 0; i < 32; ++i) entries.index[i] = from[i];
    load_even_signs(from + 32, entries);
  }
};

// Byte `row`: two scales of four bits.
inline void load_nibble_scales(const uint8_t* from, uint8_t* scales) {
  for (int r = 0; r < 8; ++r) {
    scales[r] = static_cast<uint8_t>(2 * (from[r] & 15) + 1);
    scales[8 + r] = static_cast<uint8_t>(2 * (from[r] >> 4) + 1);
  }
}

struct FormatIQ2_XS {
  static constexpr int kSubBlockBytes = 72, kScales = 2, kOffset = 64, kMostCode = 107;
  static constexpr float kFactor = 0.125f;
  static constexpr bool kHasShift = false;
  static constexpr const auto& kBook = quant::kIq2XsBook.entries;
  static void load_scales(const uint8_t* from, uint8_t* scales) {
    load_nibble_scales(from + 64, scales);
  }
  static void load_entries(const uint8_t* from, Entries& entries) {
    for (int i = 0; i < 32; ++i)
      entries.index[i] = static_cast<uint16_t>(from[i] | (from[32 + i] & 128) << 1);
    load_even_signs(from + 32, entries);
  }
};

struct FormatIQ2_S {
  static constexpr int kSubBlockBytes = 80, kScales = 2, kOffset = 64, kMostCode = 107;
  static constexpr float kFactor = 0.125f;
  static constexpr bool kHasShift = false;
  static constexpr const auto& kBook = quant::kIq2SBook.entries;
  static void load_scales(const uint8_t* from, uint8_t* scales) {
    load_nibble_scales(from + 72, scales);
  }
  static void load_entries(const uint8_t* from, Entries& entries) {
#pragma GCC unroll 4
    for (int q = 0; q < 4; ++q) {
      for (int r = 0; r < 8; ++r) {
        const int high = from[64 + r] >> 2 * q & 3;
        entries.index[8 * q + r] = static_cast<uint16_t>(from[8 * q + r] | high << 8);
      }
    }
    load_signs(from + 32, entries);
  }
};

struct FormatIQ1_S {
  static constexpr int kSubBlockBytes = 48, kScales = 1, kOffset = 16, kMostCode = 25;
  static constexpr float kFactor = 0.125f;
  static constexpr bool kHasShift = true;
  static constexpr const auto& kBook = quant::kIq1Book.entries;
  static void load_high(const uint8_t* from, uint16_t high[8]) {
    __builtin_memcpy(high, from + 32, 16);
  }
  static void load_scales(const uint8_t* from, uint8_t* scales) {
    uint16_t high[8];
    load_high(from, high);
    for (int r = 0; r < 8; ++r) scales[r] = static_cast<uint8_t>((high[r] >> 11 & 14) + 1);
  }
  static void load_entries(const uint8_t* from, Entries& entries) {
    uint16_t high[8];
    load_high(from, high);
    uint64_t signs = 0;
    for (int r = 0; r < 8; ++r) signs |= (high[r] >> 15) * (uint64_t{255} << 8 * r);
#pragma GCC unroll 4
    for (int q = 0; q < 4; ++q) {
      entries.signs[q] = signs;
      for (int r = 0; r < 8; ++r) {
        const int bits = high[r] >> 3 * q & 7;
        entries.index[8 * q + r] = static_cast<uint16_t>(from[8 * q + r] | bits << 8);
      }
    }
  }
};

struct FormatIQ1_M {
  static constexpr int kSubBlockBytes = 54, kScales = 2, kOffset = 16, kMostCode = 25;
  static constexpr float kFactor = 0.125f;
  static constexpr bool kHasShift = true;
  static constexpr const auto& kBook = quant::kIq1Book.entries;
  static void load_scales(const uint8_t* from, uint8_t* scales) {
    uint64_t bits = 0;
    __builtin_memcpy(&bits, from + 48, 6);
    for (int i = 0; i < 16; ++i) scales[i] = static_cast<uint8_t>(2 * (bits >> 3 * i & 7) + 1);
  }
  static void load_entries(const uint8_t* from, Entries& entries) {
#pragma GCC unroll 4
    for (int q = 0; q < 4; ++q) {
      const uint8_t* high = from + 32 + 8 * (q / 2);
      const uint64_t nibbles = load_row_bytes(high) >> 4 * (q % 2);
      entries.signs[q] = (nibbles >> 3 & kEachByte) * 255;
      for (int r = 0; r < 8; ++r) {
        const int bits = high[r] >> 4 * (q % 2) & 7;
        entries.index[8 * q + r] = static_cast<uint16_t>(from[8 * q + r] | bits << 8);
      }
    }
  }
};

// Panel block: 8 halfs d, then the sub-blocks.
constexpr int kSubBlocksAt = 16;

}  // namespace
}  // namespace hearth::compute::cpu
