#include "compute/cpu/panel_format.h"

#include <cstring>

namespace hearth::compute::cpu {
namespace {

using Rows = const std::byte* const[kPanelRows];

uint32_t load32(const std::byte* from) {
  uint32_t value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

void store32(uint8_t* to, uint32_t value) { std::memcpy(to, &value, sizeof value); }

// Two bytes at `offset` of each row's block, side by side.
void pack_halfs(Rows rows, size_t offset, uint8_t* out) {
  for (int r = 0; r < kPanelRows; ++r) std::memcpy(out + 2 * r, rows[r] + offset, 2);
}

// Legacy nibbles: byte i of a block's 16 has columns i and i + 16, as the panel wants them.
void pack_legacy_nibbles(Rows rows, size_t offset, uint8_t* out) {
  for (int r = 0; r < kPanelRows; ++r) {
    for (int j = 0; j < 4; ++j) store32(out + 32 * j + 4 * r, load32(rows[r] + offset + 4 * j));
  }
}

// Bits 0, 4, 8 ... 28 of `bits` to the low byte.
uint32_t gather_every_fourth(uint32_t bits) {
  bits &= 0x11111111u;
  bits = (bits | bits >> 3) & 0x03030303u;
  bits = (bits | bits >> 6) & 0x000F000Fu;
  return (bits | bits >> 12) & 0xFFu;
}

// Legacy fifth bits: bit k of a block's 32 belongs to column k.
void pack_legacy_plane(Rows rows, size_t offset, uint8_t* out) {
  for (int r = 0; r < kPanelRows; ++r) {
    const uint32_t bits = load32(rows[r] + offset);
    for (int i = 0; i < 4; ++i)
      out[4 * r + i] = static_cast<uint8_t>(gather_every_fourth(bits >> i));
  }
}

void pack_q4_0(Rows rows, uint8_t* out) {
  pack_legacy_nibbles(rows, 2, out);
  pack_halfs(rows, 0, out + 128);
}

void pack_q4_1(Rows rows, uint8_t* out) {
  pack_legacy_nibbles(rows, 4, out);
  pack_halfs(rows, 0, out + 128);
  pack_halfs(rows, 2, out + 144);
}

void pack_q5_0(Rows rows, uint8_t* out) {
  pack_legacy_nibbles(rows, 6, out);
  pack_legacy_plane(rows, 2, out + 128);
  pack_halfs(rows, 0, out + 160);
}

void pack_q5_1(Rows rows, uint8_t* out) {
  pack_legacy_nibbles(rows, 8, out);
  pack_legacy_plane(rows, 4, out + 128);
  pack_halfs(rows, 0, out + 160);
  pack_halfs(rows, 2, out + 176);
}

void pack_q8_0(Rows rows, uint8_t* out) {
  for (int r = 0; r < kPanelRows; ++r) {
    for (int g = 0; g < 8; ++g) {
      store32(out + 32 * g + 4 * r, load32(rows[r] + 2 + 4 * g) ^ 0x80808080u);
    }
  }
  pack_halfs(rows, 0, out + 256);
}

// Nibble planes of 256 columns to those of 8 sub-blocks, `step` bytes apart in `out`: byte i of the
// file's 32-byte group c has column i of sub-block 2 c in its low nibble, of 2 c + 1 in its high
// one.
void pack_k_nibbles(Rows rows, size_t offset, size_t step, uint8_t* out) {
  for (int r = 0; r < kPanelRows; ++r) {
    for (int c = 0; c < 4; ++c) {
      const std::byte* group = rows[r] + offset + 32 * c;
      uint8_t* even = out + 2 * c * step + 4 * r;
      uint8_t* odd = even + step;
      for (int j = 0; j < 4; ++j) {
        const uint32_t low = load32(group + 4 * j);
        const uint32_t high = load32(group + 4 * j + 16);
        store32(even + 32 * j, (low & 0x0F0F0F0Fu) | (high & 0x0F0F0F0Fu) << 4);
        store32(odd + 32 * j, (low >> 4 & 0x0F0F0F0Fu) | (high & 0xF0F0F0F0u));
      }
    }
  }
}

// The file's 12 bytes of 6-bit scales and mins: sub-blocks 0 to 3 have the low six bits of bytes 0
// to 3 and 4 to 7; 4 to 7 have four bits in bytes 8 to 11 and two on top of bytes 0 to 7.
void pack_k_scales(Rows rows, uint8_t* out) {
  uint8_t* high = out + 64;
  for (int r = 0; r < kPanelRows; ++r) {
    uint8_t q[12];
    std::memcpy(q, rows[r] + 4, sizeof q);
    for (int i = 0; i < 4; ++i) {
      out[8 * i + r] = static_cast<uint8_t>((q[i] & 15) | (q[i + 4] & 15) << 4);
      out[8 * (i + 4) + r] = q[i + 8];
      high[8 * i + r] = static_cast<uint8_t>((q[i] >> 4 & 3) | (q[i] >> 6) << 2 |
                                             (q[i + 4] >> 4 & 3) << 4 | (q[i + 4] >> 6) << 6);
    }
  }
}

void pack_q4_k(Rows rows, uint8_t* out) {
  pack_halfs(rows, 0, out);
  pack_halfs(rows, 2, out + 16);
  pack_k_scales(rows, out + 32);
  pack_k_nibbles(rows, 16, 128, out + 128);
}

void pack_q5_k(Rows rows, uint8_t* out) {
  pack_halfs(rows, 0, out);
  pack_halfs(rows, 2, out + 16);
  pack_k_scales(rows, out + 32);
  pack_k_nibbles(rows, 48, 160, out + 128);
  for (int r = 0; r < kPanelRows; ++r) {
    for (int s = 0; s < 8; ++s) {  // bit s of the file's byte i: column i of sub-block s
      uint32_t plane = 0;
      for (int g = 0; g < 8; ++g) plane |= (load32(rows[r] + 16 + 4 * g) >> s & 0x01010101u) << g;
      store32(out + 128 + 160 * s + 128 + 4 * r, plane);
    }
  }
}

// File, for each half of 128 columns: 64 bytes ql, then 32 bytes qh after all ql. Sub-block s of
// the half: nibble s / 2 of ql bytes 32 (s % 2) + i, bits 2 s and 2 s + 1 of qh byte i.
void pack_q6_k(Rows rows, uint8_t* out) {
  pack_halfs(rows, 208, out);
  for (int r = 0; r < kPanelRows; ++r) {
    for (int j = 0; j < 16; ++j) out[16 + 8 * j + r] = std::to_integer<uint8_t>(rows[r][192 + j]);
    for (int sub = 0; sub < 8; ++sub) {
      const int half = sub / 4, s = sub % 4;
      const std::byte* low = rows[r] + 64 * half + 32 * (s % 2);
      const std::byte* high = rows[r] + 128 + 32 * half;
      uint8_t* block = out + 144 + 192 * sub + 4 * r;
      uint32_t planes[2] = {0, 0};
      for (int j = 0; j < 4; ++j) {
        const uint32_t first = load32(low + 4 * j) >> 4 * (s / 2) & 0x0F0F0F0Fu;
        const uint32_t second = load32(low + 16 + 4 * j) >> 4 * (s / 2) & 0x0F0F0F0Fu;
        store32(block + 32 * j, first | second << 4);
        planes[0] |= (load32(high + 4 * j) >> 2 * s & 0x03030303u) << 2 * j;
        planes[1] |= (load32(high + 16 + 4 * j) >> 2 * s & 0x03030303u) << 2 * j;
      }
      store32(block + 128, planes[0]);
      store32(block + 160, planes[1]);
    }
  }
}

constexpr PanelFormat kFormats[] = {
    {quant::Type::kQ4_0, pack_q4_0, multiply_q4_0_scalar, multiply_q4_0_avx2},
    {quant::Type::kQ4_1, pack_q4_1, multiply_q4_1_scalar, multiply_q4_1_avx2},
    {quant::Type::kQ5_0, pack_q5_0, multiply_q5_0_scalar, multiply_q5_0_avx2},
    {quant::Type::kQ5_1, pack_q5_1, multiply_q5_1_scalar, multiply_q5_1_avx2},
    {quant::Type::kQ8_0, pack_q8_0, multiply_q8_0_scalar, multiply_q8_0_avx2},
    {quant::Type::kQ4_K, pack_q4_k, multiply_q4_k_scalar, multiply_q4_k_avx2},
    {quant::Type::kQ5_K, pack_q5_k, multiply_q5_k_scalar, multiply_q5_k_avx2},
    {quant::Type::kQ6_K, pack_q6_k, multiply_q6_k_scalar, multiply_q6_k_avx2},
};

}  // namespace

const PanelFormat* find_panel_format(quant::Type type) {
  for (const PanelFormat& format : kFormats) {
    if (format.type == type) return &format;
  }
  return nullptr;
}

PanelKernel panel_kernel(const PanelFormat& format, IsaLevel level) {
  return level >= IsaLevel::kAvx2 ? format.avx2 : format.scalar;
}

}  // namespace hearth::compute::cpu
