#include "compute/cpu/panel/pack_i_quants.h"

#include <cstring>

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

// The same for byte pairs, which stay together.
void weave_pairs(Rows rows, int offset, int n, uint8_t* out) {
  for (int r = 0; r < kPanelRows; ++r) {
    for (int i = 0; i < n; ++i) std::memcpy(out + 16 * i + 2 * r, rows[r] + offset + 2 * i, 2);
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

}  // namespace

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

void pack_iq3_xxs(Rows rows, uint8_t* out) {
  pack_scale(rows, 0, out);
  for (int j = 0; j < 8; ++j) {
    uint8_t* to = out + 16 + 96 * j;
    weave_pairs(rows, 2 + 8 * j, 4, to);
    weave_signs_and_scale(rows, 66 + 4 * j, to + 64);
  }
}

void pack_iq3_s(Rows rows, uint8_t* out) {
  pack_scale(rows, 0, out);
  for (int j = 0; j < 8; ++j) {
    uint8_t* to = out + 16 + 108 * j;
    weave_pairs(rows, 2 + 8 * j, 4, to);
    weave(rows, 74 + 4 * j, 4, to + 64);
    std::memset(to + 96, 0, 12);
    for (int r = 0; r < kPanelRows; ++r) {
      const unsigned high = byte_at(rows[r], 66 + j);
      for (int e = 0; e < 8; ++e) {
        const int i = e / 2 * 16 + 2 * r + e % 2;  // of the 64 indices
        to[96 + i % 8] = static_cast<uint8_t>(to[96 + i % 8] | (high >> e & 1) << i / 8);
      }
      const unsigned scale = byte_at(rows[r], 106 + j / 2) >> j % 2 * 4 & 15;
      to[104 + r / 2] = static_cast<uint8_t>(to[104 + r / 2] | scale << r % 2 * 4);
    }
  }
}

void pack_iq1_s(Rows rows, uint8_t* out) {
  pack_scale(rows, 0, out);
  for (int j = 0; j < 8; ++j) {
    uint8_t* to = out + 16 + 48 * j;
    weave(rows, 2 + 4 * j, 4, to);
    weave_pairs(rows, 34 + 2 * j, 1, to + 32);
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
