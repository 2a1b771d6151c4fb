// The panel products in plain C++: what every instruction set's kernels must equal, bit for bit.
//
//   blocks of 32:   for a type with a min acc = fma(m_w, s_a, acc), then acc = fma(isum, d_w * d_a,
//                   acc), over the blocks in ascending order; isum = sum of (code - offset) * a
//   blocks of 256:  acc = fma(isum, (d_w * factor) * d_a, acc), then for a type with mins acc =
//                   fma(-imin, dmin_w * d_a, acc); isum = sum over sub-blocks of scale * sum of
//                   (code - offset) * a, imin = sum over sub-blocks of min * sum of a
// The integers are exact in 32 bits: at most 256 * 32 * 127 * 128 in magnitude (Q6_K; IQ4_XS has
// 256 * 128 * 127 * 32).
#include <bit>
#include <cmath>
#include <cstring>

#include "base/half.h"
#include "compute/cpu/panel/kernels.h"
#include "quant/code_values.h"

namespace hearth::compute::cpu {
namespace {

float load_half(const uint8_t* from, int index) {
  uint16_t half;
  std::memcpy(&half, from + 2 * index, sizeof half);
  return half_to_float(half);
}

// Codes of 32 columns by [row][column], from the vectors of format.h.
using Codes = uint8_t[kPanelRows][32];

// Where row r's column k lies: its vector of the eight, and its byte there.
constexpr int vector_of(int r, int k) { return k / 8 * 2 + r / 2 % 2; }
constexpr int byte_of(int r, int k) { return r / 4 * 16 + r % 2 * 8 + k % 8; }

void unpack_nibbles(const uint8_t* from, Codes codes) {
  for (int r = 0; r < kPanelRows; ++r) {
    for (int k = 0; k < 32; ++k) {
      const uint8_t pair = from[vector_of(r, k) % 4 * 32 + byte_of(r, k)];
      codes[r][k] = vector_of(r, k) < 4 ? pair & 15 : pair >> 4;
    }
  }
}

// Adds the plane as bit `to` of the codes.
void unpack_plane_1(const uint8_t* from, int to, Codes codes) {
  for (int r = 0; r < kPanelRows; ++r) {
    for (int k = 0; k < 32; ++k) {
      const int bit = from[byte_of(r, k)] >> vector_of(r, k) & 1;
      codes[r][k] = static_cast<uint8_t>(codes[r][k] | bit << to);
    }
  }
}

// Adds the planes as bits `to` and `to` + 1.
void unpack_plane_2(const uint8_t* from, int to, Codes codes) {
  for (int r = 0; r < kPanelRows; ++r) {
    for (int k = 0; k < 32; ++k) {
      const int v = vector_of(r, k);
      const int bits = from[v / 4 * 32 + byte_of(r, k)] >> v % 4 * 2 & 3;
      codes[r][k] = static_cast<uint8_t>(codes[r][k] | bits << to);
    }
  }
}

void unpack_bytes(const uint8_t* from, Codes codes) {
  for (int r = 0; r < kPanelRows; ++r) {
    for (int k = 0; k < 32; ++k) codes[r][k] = from[vector_of(r, k) * 32 + byte_of(r, k)];
  }
}

int32_t dot(const uint8_t* codes, int offset, const int8_t* a, int n) {
  int32_t sum = 0;
  for (int k = 0; k < n; ++k) sum += (codes[k] - offset) * a[k];
  return sum;
}

struct Legacy {
  void (*unpack)(const uint8_t* block, Codes codes);
  int offset;
  int scales_at;  // byte of d in the panel block; m, if there is one, 16 bytes on
  float (*load_scale)(const uint8_t* from, int index);
  bool has_min;
  int block_bytes;
};

void multiply(const PanelTile& tile, const Legacy& format) {
  std::memset(tile.out, 0, sizeof(float) * kPanelRows * static_cast<size_t>(tile.n_rows));
  for (int64_t b = 0; b < tile.n_blocks; ++b) {
    const uint8_t* block = tile.panel + b * format.block_bytes;
    Codes codes;
    format.unpack(block, codes);
    for (int64_t t = 0; t < tile.n_rows; ++t) {
      const int64_t at = b * tile.stride + t;
      for (int r = 0; r < kPanelRows; ++r) {
        const float d = format.load_scale(block + format.scales_at, r) * tile.scales[at];
        const int32_t sum = dot(codes[r], format.offset, tile.codes + 32 * at, 32);
        float& out = tile.out[kPanelRows * t + r];
        if (format.has_min) {
          out = std::fma(load_half(block + format.scales_at + 16, r), tile.scaled_sums[at], out);
        }
        out = std::fma(static_cast<float>(sum), d, out);
      }
    }
  }
}

// Scales and mins of row r's 16 sub-blocks of 16; those of 32 have theirs twice.
struct Scales {
  int scale[16] = {};
  int min[16] = {};
};

struct KQuant {
  void (*unpack)(const uint8_t* sub_block, Codes codes);
  int offset;
  int sub_block_bytes;
  int codes_at;
  bool has_min;
  Scales (*unpack_scales)(const uint8_t* block, int r);
  float factor = 1.0f;
};

Scales scales_q4_k(const uint8_t* block, int r) {
  Scales scales;
  for (int i = 0; i < 16; ++i) {
    const int j = i / 2;
    const int low = block[32 + 8 * j + r], high = block[96 + j % 4 * 8 + r] >> j / 4 * 2;
    scales.scale[i] = (low & 15) | (high & 3) << 4;
    scales.min[i] = low >> 4 | (high >> 4 & 3) << 4;
  }
  return scales;
}

Scales scales_q6_k(const uint8_t* block, int r) {
  Scales scales;
  for (int i = 0; i < 16; ++i) scales.scale[i] = static_cast<int8_t>(block[16 + 8 * i + r]);
  return scales;
}

Scales scales_q2_k(const uint8_t* block, int r) {
  Scales scales;
  for (int i = 0; i < 16; ++i) {
    scales.scale[i] = block[32 + 8 * i + r] & 15;
    scales.min[i] = block[32 + 8 * i + r] >> 4;
  }
  return scales;
}

Scales scales_q3_k(const uint8_t* block, int r) {
  Scales scales;
  for (int i = 0; i < 16; ++i) {
    const int low = block[16 + 8 * (i % 8) + r] >> i / 8 * 4 & 15;
    const int high = block[16 + 8 * (8 + i % 4) + r] >> i / 4 * 2 & 3;
    scales.scale[i] = (low | high << 4) - 32;
  }
  return scales;
}

Scales scales_iq4_xs(const uint8_t* block, int r) {
  Scales scales;
  for (int i = 0; i < 16; ++i) {
    const int j = i / 2;
    const int low = block[16 + 8 * (j / 2) + r] >> j % 2 * 4 & 15;
    const int high = block[48 + 8 * (j / 4) + r] >> j % 4 * 2 & 3;
    scales.scale[i] = (low | high << 4) - 32;
  }
  return scales;
}

Scales scales_of_one(const uint8_t*, int) {
  Scales scales;
  for (int& scale : scales.scale) scale = 1;
  return scales;
}

int32_t sum_of(const int8_t* a, int n) {
  int32_t sum = 0;
  for (int k = 0; k < n; ++k) sum += a[k];
  return sum;
}

void multiply(const PanelTile& tile, const KQuant& format) {
  std::memset(tile.out, 0, sizeof(float) * kPanelRows * static_cast<size_t>(tile.n_rows));
  for (int64_t b = 0; b < tile.n_blocks; ++b) {
    const uint8_t* block = tile.panel + b * (format.codes_at + 8 * format.sub_block_bytes);
    Codes codes[8];
    for (int j = 0; j < 8; ++j) {
      format.unpack(block + format.codes_at + j * format.sub_block_bytes, codes[j]);
    }
    for (int r = 0; r < kPanelRows; ++r) {
      const Scales scales = format.unpack_scales(block, r);
      for (int64_t t = 0; t < tile.n_rows; ++t) {
        int32_t sum = 0, min_sum = 0;
        for (int i = 0; i < 16; ++i) {
          const int8_t* a = tile.codes + 32 * ((8 * b + i / 2) * tile.stride + t) + i % 2 * 16;
          sum += scales.scale[i] * dot(codes[i / 2][r] + i % 2 * 16, format.offset, a, 16);
          min_sum += scales.min[i] * sum_of(a, 16);
        }
        float& out = tile.out[kPanelRows * t + r];
        const float scale = tile.scales[b * tile.stride + t];
        const float d = load_half(block, r) * format.factor;
        out = std::fma(static_cast<float>(sum), d * scale, out);
        if (!format.has_min) continue;
        out = std::fma(-static_cast<float>(min_sum), load_half(block + 16, r) * scale, out);
      }
    }
  }
}

void unpack_2(const uint8_t* from, Codes codes) {
  std::memset(codes, 0, sizeof(Codes));
  unpack_plane_2(from, 0, codes);
}

void unpack_3(const uint8_t* from, Codes codes) {
  unpack_2(from, codes);
  unpack_plane_1(from + 64, 2, codes);
}

void unpack_4(const uint8_t* from, Codes codes) { unpack_nibbles(from, codes); }

void unpack_5(const uint8_t* from, Codes codes) {
  unpack_nibbles(from, codes);
  unpack_plane_1(from + 128, 4, codes);
}

void unpack_6(const uint8_t* from, Codes codes) {
  unpack_nibbles(from, codes);
  unpack_plane_2(from + 128, 4, codes);
}

void unpack_values(const uint8_t* from, const int8_t values[16], int offset, Codes codes) {
  unpack_nibbles(from, codes);
  for (int r = 0; r < kPanelRows; ++r) {
    for (uint8_t& code : codes[r]) code = static_cast<uint8_t>(values[code] + offset);
  }
}

void unpack_iq4(const uint8_t* from, Codes codes) {
  unpack_values(from, quant::kIq4Values, 128, codes);
}

void unpack_iq3_xxs(const uint8_t* from, Codes codes) {
  unpack_values(from, quant::kIq3XxsHalves, 32, codes);
}

void unpack_iq3_s(const uint8_t* from, Codes codes) {
  unpack_nibbles(from, codes);
  for (int r = 0; r < kPanelRows; ++r) {
    for (uint8_t& code : codes[r]) code = static_cast<uint8_t>(2 * code);
  }
}

void unpack_mxfp4(const uint8_t* from, Codes codes) {
  unpack_values(from, quant::kMxfp4Values, 12, codes);
}

// 2^(exponent - 128), the scale of values that are twice those of E2M1 floats.
float load_exponent(const uint8_t* from, int index) {
  const uint32_t exponent = from[index];
  return std::bit_cast<float>(exponent < 2 ? 0x00200000u << exponent : (exponent - 1) << 23);
}

constexpr Legacy kQ4_0 = {unpack_4, 8, 128, load_half, false, 144};
constexpr Legacy kQ4_1 = {unpack_4, 0, 128, load_half, true, 160};
constexpr Legacy kQ5_0 = {unpack_5, 16, 160, load_half, false, 176};
constexpr Legacy kQ5_1 = {unpack_5, 0, 160, load_half, true, 192};
constexpr Legacy kQ8_0 = {unpack_bytes, 128, 256, load_half, false, 272};
constexpr Legacy kIQ4_NL = {unpack_iq4, 128, 128, load_half, false, 144};
constexpr Legacy kMXFP4 = {unpack_mxfp4, 12, 128, load_exponent, false, 136};
constexpr KQuant kQ2_K = {unpack_2, 0, 64, 160, true, scales_q2_k};
constexpr KQuant kQ3_K = {unpack_3, 4, 96, 112, false, scales_q3_k};
constexpr KQuant kQ4_K = {unpack_4, 0, 128, 128, true, scales_q4_k};
constexpr KQuant kQ5_K = {unpack_5, 0, 160, 128, true, scales_q4_k};
constexpr KQuant kQ6_K = {unpack_6, 32, 192, 144, false, scales_q6_k};
constexpr KQuant kIQ4_XS = {unpack_iq4, 128, 128, 64, false, scales_iq4_xs};
constexpr KQuant kIQ3_XXS = {unpack_iq3_xxs, 32, 128, 64, false, scales_iq4_xs, 0.5f};
constexpr KQuant kIQ3_S = {unpack_iq3_s, 15, 128, 64, false, scales_iq4_xs};
constexpr KQuant kTernary = {unpack_2, 1, 64, 16, false, scales_of_one};

}  // namespace

void multiply_q4_0_scalar(const PanelTile& tile) { multiply(tile, kQ4_0); }
void multiply_q4_1_scalar(const PanelTile& tile) { multiply(tile, kQ4_1); }
void multiply_q5_0_scalar(const PanelTile& tile) { multiply(tile, kQ5_0); }
void multiply_q5_1_scalar(const PanelTile& tile) { multiply(tile, kQ5_1); }
void multiply_q8_0_scalar(const PanelTile& tile) { multiply(tile, kQ8_0); }
void multiply_iq4_nl_scalar(const PanelTile& tile) { multiply(tile, kIQ4_NL); }
void multiply_mxfp4_scalar(const PanelTile& tile) { multiply(tile, kMXFP4); }
void multiply_q2_k_scalar(const PanelTile& tile) { multiply(tile, kQ2_K); }
void multiply_q3_k_scalar(const PanelTile& tile) { multiply(tile, kQ3_K); }
void multiply_q4_k_scalar(const PanelTile& tile) { multiply(tile, kQ4_K); }
void multiply_q5_k_scalar(const PanelTile& tile) { multiply(tile, kQ5_K); }
void multiply_q6_k_scalar(const PanelTile& tile) { multiply(tile, kQ6_K); }
void multiply_iq4_xs_scalar(const PanelTile& tile) { multiply(tile, kIQ4_XS); }
void multiply_iq3_xxs_scalar(const PanelTile& tile) { multiply(tile, kIQ3_XXS); }
void multiply_iq3_s_scalar(const PanelTile& tile) { multiply(tile, kIQ3_S); }
void multiply_ternary_scalar(const PanelTile& tile) { multiply(tile, kTernary); }

}  // namespace hearth::compute::cpu
