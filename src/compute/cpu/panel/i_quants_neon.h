// The blocks of the i-quants and the ternary types for the kernels of 64-bit Arm. Code book entries
// of IQ1 and IQ2 are looked up one by one, two rows to a register, and signs applied by a mask; IQ3
// and IQ4_XS come as nibbles (format.h).
#pragma once

#include "compute/cpu/panel/blocks_of_256_neon.h"
#include "compute/cpu/panel/i_quants.h"
#include "compute/cpu/panel/k_scales_neon.h"

namespace hearth::compute::cpu {
namespace {

// The entries of two rows, 8 values each.
inline uint8x16_t load_two_rows(const uint64_t* book, const uint16_t* index) {
  const uint64_t entries[2] = {book[index[0]], book[index[1]]};
  return vreinterpretq_u8_u64(vld1q_u64(entries));
}

// All bits of byte i where bit i of `signs` is set.
inline uint8x16_t spread_signs(uint64_t signs) {
  const auto low = static_cast<uint8_t>(signs), high = static_cast<uint8_t>(signs >> 8);
  const uint8x8_t bit = vcreate_u8(0x8040201008040201u);
  return vtstq_u8(vcombine_u8(vdup_n_u8(low), vdup_n_u8(high)), vcombine_u8(bit, bit));
}

// The scales of all sub-blocks, [sub-block][half][row] where a sub-block has two.
template <class Format>
struct BookScales {
  explicit BookScales(const uint8_t* block) {
    for (int j = 0; j < 8; ++j) {
      uint8_t of_sub_block[16];
      Format::load_scales(block + kSubBlocksAt + Format::kSubBlockBytes * j, of_sub_block);
      __builtin_memcpy(scales + 8 * Format::kScales * j, of_sub_block, 8 * Format::kScales);
    }
  }
  int8_t scales[64 * Format::kScales];
};

template <class Format>
struct Book {
  static constexpr int kCodesAt = kSubBlocksAt, kSubBlockBytes = Format::kSubBlockBytes;
  static constexpr int kScaleColumns = 32 / Format::kScales;
  explicit Book(const uint8_t* block)
      : scales(block), tail{scaled(load_halfs(block), Format::kFactor)} {}
  static void unpack(const uint8_t* from, int8x16_t w[16]) {
    constexpr int kFirstRows[4] = {0, 4, 2, 6};
    Entries entries;
    Format::load_entries(from, entries);
    for (int q = 0; q < 4; ++q) {
      for (int i = 0; i < 4; ++i) {
        const int row = kFirstRows[i];
        const uint16_t* index = entries.index + 8 * q + row;
        const uint8x16_t bytes = load_two_rows(Format::kBook, index);
        const uint8x16_t mask = spread_signs(entries.signs[q] >> 8 * row);
        const uint8x16_t term = Format::kHasShift ? vdupq_n_u8(1) : bytes;
        const uint8x16_t with_sign = vsubq_u8(veorq_u8(term, mask), mask);
        const uint8x16_t base =
            Format::kHasShift ? vsubq_u8(bytes, vdupq_n_u8(Format::kOffset)) : vdupq_n_u8(0);
        w[4 * q + i] = vreinterpretq_s8_u8(vaddq_u8(base, with_sign));
      }
    }
  }
  BookScales<Format> scales;
  PlainTail tail;
};

// Nibbles that count the values of a list, in units of d * kFactor.
struct ListIQ3_XXS {
  static constexpr const auto& kValues = kIq3XxsHalves;
  static constexpr float kFactor = 0.5f;
};
struct ListIQ3_S {
  static constexpr const auto& kValues = kIq3S;
  static constexpr float kFactor = 1.0f;
};
struct ListIQ4_XS {
  static constexpr const auto& kValues = kIq4;
  static constexpr float kFactor = 1.0f;
};

template <class List>
struct Listed {
  static constexpr int kCodesAt = 64, kSubBlockBytes = 128, kScaleColumns = 32;
  explicit Listed(const uint8_t* block)
      : scales(block + 16), tail{scaled(load_halfs(block), List::kFactor)} {}
  static void unpack(const uint8_t* from, int8x16_t w[16]) {
    uint8x16_t codes[16];
    unpack_nibbles(from, codes);
    look_up(List::kValues, codes, w);
  }
  ScalesIQ4_XS scales;
  PlainTail tail;
};

struct Ternary {
  static constexpr int kCodesAt = 16, kSubBlockBytes = 64, kScaleColumns = 32;
  explicit Ternary(const uint8_t* block) : tail{load_halfs(block)} {
    for (int8_t& scale : scales.scales) scale = 1;
  }
  static void unpack(const uint8_t* from, int8x16_t w[16]) {
    uint8x16_t codes[16] = {};
    add_plane_2(from, 0, codes);
    subtract_offset(codes, 1, w);
  }
  struct {
    int8_t scales[64];
  } scales;
  PlainTail tail;
};

}  // namespace
}  // namespace hearth::compute::cpu
