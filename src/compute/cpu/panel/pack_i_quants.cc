#include "compute/cpu/panel/pack_i_quants.h"

#include <cstring>

#include "compute/cpu/panel/packing_words.h"
#include "quant/iq_grid.h"

namespace hearth::compute::cpu {
namespace {

using Rows = const std::byte* const[kPanelRows];

unsigned byte_at(const std::byte* from, int offset) {
  return std::to_integer<unsigned>(from[offset]);
}
unsigned half_at(const std::byte* from, int offset) {
  return byte_at(from, offset) | byte_at(from, offset + 1) << 8;
}

void put(uint8_t* out, int at, unsigned value) { out[at] = static_cast<uint8_t>(value); }

void pack_scale(Rows rows, int offset, uint8_t* out) {
  for (int r = 0; r < kPanelRows; ++r) std::memcpy(out + 2 * r, rows[r] + offset, 2);
}

// n bytes at `offset` of each row's block, byte i of the eight rows side by side.
void weave(Rows rows, int offset, int n, uint8_t* out) {
  for (int r = 0; r < kPanelRows; ++r) {
    for (int i = 0; i < n; ++i) put(out, 8 * i + r, byte_at(rows[r], offset + i));
  }
}

// A uint32 of four times 7 signs and a scale to four bytes of 7 signs and a bit of the scale.
void weave_signs_and_scale(Rows rows, int offset, uint8_t* out) {
  for (int r = 0; r < kPanelRows; ++r) {
    const unsigned packed = half_at(rows[r], offset) | half_at(rows[r], offset + 2) << 16;
    for (int q = 0; q < 4; ++q) {
      put(out, 8 * q + r, (packed >> 7 * q & 127) | (packed >> (28 + q) & 1) << 7);
    }
  }
}

// A block as IQ4_XS lays it out.
struct NibbleBlock {
  uint16_t d;
  uint16_t high_scales;
  uint8_t low_scales[4];
  uint8_t nibbles[128];
};
static_assert(sizeof(NibbleBlock) == kNibbleBlockBytes);

// Sub-block j of 32, from its columns 8 q to 8 q + 7 a byte each in codes[q].
void set_sub_block(NibbleBlock& block, int j, unsigned packed_scale, const uint64_t codes[4]) {
  store64(block.nibbles + 16 * j, codes[0] | codes[2] << 4);
  store64(block.nibbles + 16 * j + 8, codes[1] | codes[3] << 4);
  const unsigned scale = 2 * packed_scale + 1 + 32;
  block.low_scales[j / 2] |= static_cast<uint8_t>((scale & 15) << j % 2 * 4);
  block.high_scales |= static_cast<uint16_t>(scale >> 4 << 2 * j);
}

// Of eight values: two entries of four places below 8 and the signs.
uint64_t codes_of(unsigned entry, unsigned next_entry, unsigned signs) {
  const uint64_t places = spread_nibbles(entry | next_entry << 16);
  return places ^ kEach * 8 ^ spread_bits(signs) * 15;  // p ^ 8 is 8 + p, p ^ 7 is 7 - p
}

}  // namespace

void recode_iq3_xxs(const std::byte* block, std::byte* out) {
  NibbleBlock to = {};
  std::memcpy(&to.d, block, sizeof to.d);
  for (int j = 0; j < 8; ++j) {
    const int at = 66 + 4 * j;
    const unsigned packed = half_at(block, at) | half_at(block, at + 2) << 16;
    uint64_t codes[4];
    for (int q = 0; q < 4; ++q) {
      const int e = 8 * j + 2 * q;
      codes[q] =
          codes_of(quant::kIq3XxsGrid[byte_at(block, 2 + e)],
                   quant::kIq3XxsGrid[byte_at(block, 3 + e)], quant::even_signs(packed >> 7 * q));
    }
    set_sub_block(to, j, packed >> 28, codes);
  }
  std::memcpy(out, &to, sizeof to);
}

void recode_iq3_s(const std::byte* block, std::byte* out) {
  NibbleBlock to = {};
  std::memcpy(&to.d, block, sizeof to.d);
  for (int j = 0; j < 8; ++j) {
    uint64_t codes[4];
    for (int q = 0; q < 4; ++q) {
      const int e = 8 * j + 2 * q;
      const unsigned high = byte_at(block, 66 + j) >> 2 * q;
      codes[q] = codes_of(quant::kIq3SGrid[byte_at(block, 2 + e) | (high & 1) << 8],
                          quant::kIq3SGrid[byte_at(block, 3 + e) | (high & 2) << 7],
                          byte_at(block, 74 + 4 * j + q));
    }
    set_sub_block(to, j, byte_at(block, 106 + j / 2) >> j % 2 * 4 & 15, codes);
  }
  std::memcpy(out, &to, sizeof to);
}

void pack_iq2_xxs(Rows rows, uint8_t* out) {
  pack_scale(rows, 0, out);
  for (int j = 0; j < 8; ++j) {
    uint8_t* to = out + 16 + 64 * j;
    weave(rows, 2 + 8 * j, 4, to);
    weave_signs_and_scale(rows, 6 + 8 * j, to + 32);
  }
}

void pack_iq2_xs(Rows rows, uint8_t* out) {
  pack_scale(rows, 0, out);
  for (int j = 0; j < 8; ++j) {
    uint8_t* to = out + 16 + 72 * j;
    for (int r = 0; r < kPanelRows; ++r) {
      for (int q = 0; q < 4; ++q) {
        const unsigned code = half_at(rows[r], 2 + 2 * (4 * j + q));
        put(to, 8 * q + r, code & 255);
        put(to, 32 + 8 * q + r, code >> 9 | (code >> 8 & 1) << 7);
      }
    }
    weave(rows, 66 + j, 1, to + 64);
  }
}

void pack_iq2_s(Rows rows, uint8_t* out) {
  pack_scale(rows, 0, out);
  for (int j = 0; j < 8; ++j) {
    uint8_t* to = out + 16 + 80 * j;
    weave(rows, 2 + 4 * j, 4, to);
    weave(rows, 34 + 4 * j, 4, to + 32);
    weave(rows, 66 + j, 1, to + 64);
    weave(rows, 74 + j, 1, to + 72);
  }
}

void pack_iq1_s(Rows rows, uint8_t* out) {
  pack_scale(rows, 0, out);
  for (int j = 0; j < 8; ++j) {
    uint8_t* to = out + 16 + 48 * j;
    weave(rows, 2 + 4 * j, 4, to);
    for (int r = 0; r < kPanelRows; ++r) std::memcpy(to + 32 + 2 * r, rows[r] + 34 + 2 * j, 2);
  }
}

void pack_iq1_m(Rows rows, uint8_t* out) {
  for (int r = 0; r < kPanelRows; ++r) {
    unsigned d = 0;
    for (int i = 0; i < 4; ++i) d |= half_at(rows[r], 48 + 2 * i) >> 12 << 4 * i;
    put(out, 2 * r, d & 255);
    put(out, 2 * r + 1, d >> 8);
  }
  for (int j = 0; j < 8; ++j) {
    uint8_t* to = out + 16 + 54 * j;
    weave(rows, 4 * j, 4, to);
    weave(rows, 32 + 2 * j, 2, to + 32);
    uint64_t scales = 0;
    for (int r = 0; r < kPanelRows; ++r) {
      const unsigned both = half_at(rows[r], 48 + j / 2 * 2) >> j % 2 * 6;
      scales |= uint64_t{both & 7} << 3 * r | uint64_t{both >> 3 & 7} << (24 + 3 * r);
    }
    std::memcpy(to + 48, &scales, 6);
  }
}

}  // namespace hearth::compute::cpu
