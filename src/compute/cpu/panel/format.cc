#include "compute/cpu/panel/format.h"

#include <cstring>

#include "compute/cpu/panel/pack_i_quants.h"
#include "compute/cpu/panel/packing_words.h"

namespace hearth::compute::cpu {
namespace {

using Rows = const std::byte* const[kPanelRows];

// Where row r's eight columns of a vector pair lie: its first byte in the pair's 64.
constexpr int byte_of_row(int r) { return r / 2 % 2 * 32 + r / 4 * 16 + r % 2 * 8; }

// Rows whose columns take the same bytes of a pair's vectors, and where: {first's, second's, byte}.
struct SharedBytes {
  int first, second, byte;
};
constexpr SharedBytes kSharedBytes[] = {{0, 2, 0}, {1, 3, 8}, {4, 6, 16}, {5, 7, 24}};

// Two bytes at `offset` of each row's block, side by side.
void pack_halfs(Rows rows, size_t offset, uint8_t* out) {
  for (int r = 0; r < kPanelRows; ++r) std::memcpy(out + 2 * r, rows[r] + offset, 2);
}

// Legacy nibbles: byte i of a block's 16 has columns i and i + 16, as the panel wants them.
void pack_legacy_nibbles(Rows rows, size_t offset, uint8_t* out) {
  for (int r = 0; r < kPanelRows; ++r) {
    uint8_t* to = out + byte_of_row(r);
    store64(to, load64(rows[r] + offset));
    store64(to + 64, load64(rows[r] + offset + 8));
  }
}

// Legacy fifth bits: bit k of a block's 32 belongs to column k.
void pack_legacy_plane(Rows rows, size_t offset, uint8_t* out) {
  for (const auto& [first, second, byte] : kSharedBytes) {
    uint64_t plane = 0;
    for (int q = 0; q < 4; ++q) {
      plane |= spread_bits(std::to_integer<uint64_t>(rows[first][offset + q])) << 2 * q;
      plane |= spread_bits(std::to_integer<uint64_t>(rows[second][offset + q])) << (2 * q + 1);
    }
    store64(out + byte, plane);
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

void pack_mxfp4(Rows rows, uint8_t* out) {
  pack_legacy_nibbles(rows, 1, out);
  for (int r = 0; r < kPanelRows; ++r) out[128 + r] = std::to_integer<uint8_t>(rows[r][0]);
}

void pack_q8_0(Rows rows, uint8_t* out) {
  for (int r = 0; r < kPanelRows; ++r) {
    uint8_t* to = out + byte_of_row(r);
    for (int q = 0; q < 4; ++q) store64(to + 64 * q, load64(rows[r] + 2 + 8 * q) ^ kEach * 0x80);
  }
  pack_halfs(rows, 0, out + 256);
}

// Nibble planes of 256 columns to those of 8 sub-blocks, `step` bytes apart in `out`: byte i of the
// file's 32-byte group c has column i of sub-block 2 c in its low nibble, of 2 c + 1 in its high
// one.
void pack_k_nibbles(Rows rows, size_t offset, size_t step, uint8_t* out) {
  constexpr uint64_t kLow = kEach * 0x0F, kHigh = kEach * 0xF0;
  for (int r = 0; r < kPanelRows; ++r) {
    for (int c = 0; c < 4; ++c) {
      const std::byte* group = rows[r] + offset + 32 * c;
      uint8_t* even = out + 2 * c * step + byte_of_row(r);
      uint8_t* odd = even + step;
      for (int q = 0; q < 2; ++q) {
        const uint64_t low = load64(group + 8 * q), high = load64(group + 8 * q + 16);
        store64(even + 64 * q, (low & kLow) | (high & kLow) << 4);
        store64(odd + 64 * q, (low >> 4 & kLow) | (high & kHigh));
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

// n bytes at `offset` of each row's block, byte i of the eight rows side by side.
void pack_bytes(Rows rows, size_t offset, int n, uint8_t* out) {
  for (int r = 0; r < kPanelRows; ++r) {
    for (int i = 0; i < n; ++i) out[8 * i + r] = std::to_integer<uint8_t>(rows[r][offset + i]);
  }
}

// Sub-block s of 8 from 32 bytes of the file of which byte i has column i in bit s.
void pack_k_plane_1(Rows rows, size_t offset, int s, uint8_t* out) {
  for (const auto& [first, second, byte] : kSharedBytes) {
    uint64_t plane = 0;
    for (int q = 0; q < 4; ++q) {
      plane |= (load64(rows[first] + offset + 8 * q) >> s & kEach) << 2 * q;
      plane |= (load64(rows[second] + offset + 8 * q) >> s & kEach) << (2 * q + 1);
    }
    store64(out + byte, plane);
  }
}

// Sub-block s of 8 from 32 bytes of the file for each half of 128 columns, of which byte i has
// column i of the half's sub-block j in bits 2 j and 2 j + 1.
void pack_k_plane_2(Rows rows, size_t offset, int s, uint8_t* out) {
  constexpr uint64_t kPairs = kEach * 3;
  for (const auto& [first, second, byte] : kSharedBytes) {
    for (int plane = 0; plane < 2; ++plane) {
      uint64_t bits = 0;
      for (int q = 0; q < 2; ++q) {
        const size_t at = offset + 32 * (s / 4) + 16 * plane + 8 * q;
        bits |= (load64(rows[first] + at) >> s % 4 * 2 & kPairs) << 4 * q;
        bits |= (load64(rows[second] + at) >> s % 4 * 2 & kPairs) << (4 * q + 2);
      }
      store64(out + 32 * plane + byte, bits);
    }
  }
}

void pack_q5_k(Rows rows, uint8_t* out) {
  pack_halfs(rows, 0, out);
  pack_halfs(rows, 2, out + 16);
  pack_k_scales(rows, out + 32);
  pack_k_nibbles(rows, 48, 160, out + 128);
  for (int s = 0; s < 8; ++s) pack_k_plane_1(rows, 16, s, out + 128 + 160 * s + 128);
}

// File: nibble j of the 64 bytes of a half of 128 columns, of byte 32 i + l, belongs to column l of
// the half's sub-block 2 j + i; two more bits of each code in a plane of pairs.
void pack_q6_k(Rows rows, uint8_t* out) {
  constexpr uint64_t kNibbles = kEach * 0x0F;
  pack_halfs(rows, 208, out);
  pack_bytes(rows, 192, 16, out + 16);
  for (int s = 0; s < 8; ++s) {
    uint8_t* block = out + 144 + 192 * s;
    const int shift = s % 4 / 2 * 4;
    for (int r = 0; r < kPanelRows; ++r) {
      const std::byte* codes = rows[r] + 64 * (s / 4) + 32 * (s % 2);
      for (int q = 0; q < 2; ++q) {
        const uint64_t first = load64(codes + 8 * q) >> shift & kNibbles;
        const uint64_t second = load64(codes + 16 + 8 * q) >> shift & kNibbles;
        store64(block + 64 * q + byte_of_row(r), first | second << 4);
      }
    }
    pack_k_plane_2(rows, 128, s, block + 128);
  }
}

void pack_q2_k(Rows rows, uint8_t* out) {
  pack_halfs(rows, 80, out);
  pack_halfs(rows, 82, out + 16);
  pack_bytes(rows, 0, 16, out + 32);
  for (int s = 0; s < 8; ++s) pack_k_plane_2(rows, 16, s, out + 160 + 64 * s);
}

void pack_q3_k(Rows rows, uint8_t* out) {
  pack_halfs(rows, 108, out);
  pack_bytes(rows, 96, 12, out + 16);
  for (int s = 0; s < 8; ++s) {
    pack_k_plane_2(rows, 32, s, out + 112 + 96 * s);
    pack_k_plane_1(rows, 0, s, out + 112 + 96 * s + 64);
  }
}

void pack_iq4_xs(Rows rows, uint8_t* out) {
  pack_halfs(rows, 0, out);
  pack_bytes(rows, 4, 4, out + 16);
  pack_bytes(rows, 2, 2, out + 48);
  for (int s = 0; s < 8; ++s) pack_legacy_nibbles(rows, 8 + 16 * s, out + 64 + 128 * s);
}

// Of types whose block kRecode turns into one of nibbles.
template <auto kRecode>
void pack_recoded(Rows rows, uint8_t* out) {
  std::byte blocks[kPanelRows][kNibbleBlockBytes];
  const std::byte* recoded[kPanelRows];
  for (int r = 0; r < kPanelRows; ++r) {
    kRecode(rows[r], blocks[r]);
    recoded[r] = blocks[r];
  }
  pack_iq4_xs(recoded, out);
}

constexpr uint16_t kTernaryBytes = 66;  // of a row's block in a panel

// Of rows that start with 64 bytes of codes, which lie as in Q2_K's block.
void pack_pairs(Rows rows, uint8_t* out) {
  for (int s = 0; s < 8; ++s) pack_k_plane_2(rows, 0, s, out + 16 + 64 * s);
}

void pack_tq2_0(Rows rows, uint8_t* out) {
  pack_halfs(rows, 64, out);
  pack_pairs(rows, out);
}

// Five digits of base 3 a byte (quant/tq1_0.cc) to codes of two bits.
void pack_tq1_0(Rows rows, uint8_t* out) {
  constexpr unsigned kPowers[5] = {1, 3, 9, 27, 81};
  std::byte codes[kPanelRows][64] = {};
  const std::byte* code_rows[kPanelRows];
  for (int r = 0; r < kPanelRows; ++r) {
    code_rows[r] = codes[r];
    for (int i = 0; i < 256; ++i) {
      const int byte = i < 160 ? i % 32 : i < 240 ? 32 + i % 16 : 48 + i % 4;
      const int digit = i < 160 ? i / 32 : i < 240 ? (i - 160) / 16 : (i - 240) / 4;
      const unsigned fraction = std::to_integer<unsigned>(rows[r][byte]) * kPowers[digit] & 255;
      codes[r][i / 128 * 32 + i % 32] |= std::byte(fraction * 3 >> 8 << i % 128 / 32 * 2);
    }
  }
  pack_halfs(rows, 52, out);
  pack_pairs(code_rows, out);
}

constexpr PanelFormat kFormats[] = {
    {quant::Type::kQ4_0, pack_q4_0, multiply_q4_0_scalar, multiply_q4_0_avx2,
     multiply_pair_q4_0_avx512},
    {quant::Type::kQ4_1, pack_q4_1, multiply_q4_1_scalar, multiply_q4_1_avx2,
     multiply_pair_q4_1_avx512},
    {quant::Type::kQ5_0, pack_q5_0, multiply_q5_0_scalar, multiply_q5_0_avx2,
     multiply_pair_q5_0_avx512},
    {quant::Type::kQ5_1, pack_q5_1, multiply_q5_1_scalar, multiply_q5_1_avx2,
     multiply_pair_q5_1_avx512},
    {quant::Type::kQ8_0, pack_q8_0, multiply_q8_0_scalar, multiply_q8_0_avx2,
     multiply_pair_q8_0_avx512},
    {quant::Type::kIQ4_NL, pack_q4_0, multiply_iq4_nl_scalar, multiply_iq4_nl_avx2,
     multiply_pair_iq4_nl_avx512},
    {quant::Type::kMXFP4, pack_mxfp4, multiply_mxfp4_scalar, multiply_mxfp4_avx2,
     multiply_pair_mxfp4_avx512},
    {quant::Type::kQ2_K, pack_q2_k, multiply_q2_k_scalar, multiply_q2_k_avx2,
     multiply_pair_q2_k_avx512},
    {quant::Type::kQ3_K, pack_q3_k, multiply_q3_k_scalar, multiply_q3_k_avx2,
     multiply_pair_q3_k_avx512},
    {quant::Type::kQ4_K, pack_q4_k, multiply_q4_k_scalar, multiply_q4_k_avx2,
     multiply_pair_q4_k_avx512},
    {quant::Type::kQ5_K, pack_q5_k, multiply_q5_k_scalar, multiply_q5_k_avx2,
     multiply_pair_q5_k_avx512},
    {quant::Type::kQ6_K, pack_q6_k, multiply_q6_k_scalar, multiply_q6_k_avx2,
     multiply_pair_q6_k_avx512},
    {quant::Type::kIQ4_XS, pack_iq4_xs, multiply_iq4_xs_scalar, multiply_iq4_xs_avx2,
     multiply_pair_iq4_xs_avx512},
    {quant::Type::kIQ1_S, pack_iq1_s, multiply_iq1_s_scalar, multiply_iq1_s_avx2,
     multiply_pair_iq1_s_avx512},
    {quant::Type::kIQ1_M, pack_iq1_m, multiply_iq1_m_scalar, multiply_iq1_m_avx2,
     multiply_pair_iq1_m_avx512},
    {quant::Type::kIQ2_XXS, pack_iq2_xxs, multiply_iq2_xxs_scalar, multiply_iq2_xxs_avx2,
     multiply_pair_iq2_xxs_avx512},
    {quant::Type::kIQ2_XS, pack_iq2_xs, multiply_iq2_xs_scalar, multiply_iq2_xs_avx2,
     multiply_pair_iq2_xs_avx512},
    {quant::Type::kIQ2_S, pack_iq2_s, multiply_iq2_s_scalar, multiply_iq2_s_avx2,
     multiply_pair_iq2_s_avx512},
    {quant::Type::kIQ3_XXS, pack_recoded<recode_iq3_xxs>, multiply_iq3_xxs_scalar,
     multiply_iq3_xxs_avx2, multiply_pair_iq3_xxs_avx512, kNibbleBlockBytes},
    {quant::Type::kIQ3_S, pack_recoded<recode_iq3_s>, multiply_iq3_s_scalar, multiply_iq3_s_avx2,
     multiply_pair_iq3_s_avx512, kNibbleBlockBytes},
    {quant::Type::kTQ1_0, pack_tq1_0, multiply_ternary_scalar, multiply_ternary_avx2,
     multiply_pair_ternary_avx512, kTernaryBytes},
    {quant::Type::kTQ2_0, pack_tq2_0, multiply_ternary_scalar, multiply_ternary_avx2,
     multiply_pair_ternary_avx512, kTernaryBytes},
};

#if defined(__x86_64__)
PanelKernel avxvnni_kernel(quant::Type type) {
  const bool is_long = quant::type_info(type).block_size == 256;
  return is_long ? k_quant_kernel_avxvnni(type) : legacy_kernel_avxvnni(type);
}
#elif defined(__aarch64__)
PanelKernel neon_kernel(quant::Type type, IsaLevel level) {
  const bool is_long = quant::type_info(type).block_size == 256;
  switch (level) {
    case IsaLevel::kNeon: return is_long ? k_quant_kernel_neon(type) : legacy_kernel_neon(type);
    case IsaLevel::kNeonDotprod:
      return is_long ? k_quant_kernel_dotprod(type) : legacy_kernel_dotprod(type);
    case IsaLevel::kNeonI8mm: return is_long ? k_quant_kernel_i8mm(type) : legacy_kernel_i8mm(type);
    default: return nullptr;
  }
}
#endif

}  // namespace

const PanelFormat* find_panel_format(quant::Type type) {
  for (const PanelFormat& format : kFormats) {
    if (format.type == type) return &format;
  }
  return nullptr;
}

int panel_row_bytes(const PanelFormat& format) {
  return format.row_bytes != 0 ? format.row_bytes : quant::type_info(format.type).block_bytes;
}

PanelKernel panel_kernel(const PanelFormat& format, IsaLevel level) {
#if defined(__x86_64__)
  if (level == IsaLevel::kAvxVnni) {
    if (const PanelKernel kernel = avxvnni_kernel(format.type)) return kernel;
  }
  if (level >= IsaLevel::kAvx2) return format.avx2;
#elif defined(__aarch64__)
  if (const PanelKernel kernel = neon_kernel(format.type, level)) return kernel;
#endif
  static_cast<void>(level);
  return format.scalar;
}

PanelKernel panel_pair_kernel(const PanelFormat& format, IsaLevel level) {
#if defined(__x86_64__)
  if (level >= IsaLevel::kAvx512Vnni) return format.avx512_pair;
#endif
  static_cast<void>(format);
  static_cast<void>(level);
  return nullptr;
}

}  // namespace hearth::compute::cpu
