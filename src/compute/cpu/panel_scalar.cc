// The panel products in plain C++: what every instruction set's kernels must equal, bit for bit.
//
//   blocks of 32:   for a type with a min acc = fma(m_w, s_a, acc), then acc = fma(isum, d_w * d_a,
//                   acc), over the blocks in ascending order; isum = sum of (code - offset) * a
//   blocks of 256:  acc = fma(isum, d_w * d_a, acc), then for a type with mins acc = fma(-imin,
//                   dmin_w * d_a, acc); isum = sum over sub-blocks of scale * sum of (code -
//                   offset)
//                   * a, imin = sum over sub-blocks of min * sum of a
// The integers are exact in 32 bits: at most 256 * 32 * 127 * 128 in magnitude (Q6_K).
#include <cmath>
#include <cstring>

#include "base/half.h"
#include "compute/cpu/panel_kernels.h"

namespace hearth::compute::cpu {
namespace {

float load_half(const uint8_t* from, int index) {
  uint16_t half;
  std::memcpy(&half, from + 2 * index, sizeof half);
  return half_to_float(half);
}

// Codes of 32 columns by [row][column], from the vectors of panel_format.h.
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

void unpack_plane_1(const uint8_t* from, Codes codes) {
  for (int r = 0; r < kPanelRows; ++r) {
    for (int k = 0; k < 32; ++k) {
      const int bit = from[byte_of(r, k)] >> vector_of(r, k) & 1;
      codes[r][k] = static_cast<uint8_t>(codes[r][k] | bit << 4);
    }
  }
}

void unpack_plane_2(const uint8_t* from, Codes codes) {
  for (int r = 0; r < kPanelRows; ++r) {
    for (int k = 0; k < 32; ++k) {
      const int v = vector_of(r, k);
      const int bits = from[v / 4 * 32 + byte_of(r, k)] >> v % 4 * 2 & 3;
      codes[r][k] = static_cast<uint8_t>(codes[r][k] | bits << 4);
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
        const float d = load_half(block + format.scales_at, r) * tile.scales[at];
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

struct KQuant {
  void (*unpack)(const uint8_t* sub_block, Codes codes);
  int offset;
  int sub_block_bytes;
  int codes_at;
  bool has_min;
};

// Sub-blocks of 32 with 6-bit scales and mins, or of 16 with signed 8-bit scales.
void unpack_scales(const uint8_t* block, int r, bool has_min, int scales[16], int mins[8]) {
  for (int j = 0; j < 8; ++j) {
    if (!has_min) {
      scales[2 * j] = static_cast<int8_t>(block[16 + 16 * j + r]);
      scales[2 * j + 1] = static_cast<int8_t>(block[16 + 16 * j + 8 + r]);
      continue;
    }
    const int low = block[32 + 8 * j + r], high = block[96 + j % 4 * 8 + r] >> j / 4 * 2;
    scales[2 * j] = scales[2 * j + 1] = (low & 15) | (high & 3) << 4;
    mins[j] = low >> 4 | (high >> 4 & 3) << 4;
  }
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
      int scales[16], mins[8];
      unpack_scales(block, r, format.has_min, scales, mins);
      for (int64_t t = 0; t < tile.n_rows; ++t) {
        const int64_t at = b * tile.stride + t;
        int32_t sum = 0, min_sum = 0;
        for (int j = 0; j < 8; ++j) {
          const int8_t* a = tile.codes + 32 * ((8 * b + j) * tile.stride + t);
          sum += scales[2 * j] * dot(codes[j][r], format.offset, a, 16);
          sum += scales[2 * j + 1] * dot(codes[j][r] + 16, format.offset, a + 16, 16);
          if (format.has_min) min_sum += mins[j] * tile.sums_32[8 * at + j];
        }
        float& out = tile.out[kPanelRows * t + r];
        const float scale = tile.scales[at];
        out = std::fma(static_cast<float>(sum), load_half(block, r) * scale, out);
        if (!format.has_min) continue;
        out = std::fma(-static_cast<float>(min_sum), load_half(block + 16, r) * scale, out);
      }
    }
  }
}

void unpack_4(const uint8_t* from, Codes codes) { unpack_nibbles(from, codes); }

void unpack_5(const uint8_t* from, Codes codes) {
  unpack_nibbles(from, codes);
  unpack_plane_1(from + 128, codes);
}

void unpack_6(const uint8_t* from, Codes codes) {
  unpack_nibbles(from, codes);
  unpack_plane_2(from + 128, codes);
}

constexpr Legacy kQ4_0 = {unpack_4, 8, 128, false, 144};
constexpr Legacy kQ4_1 = {unpack_4, 0, 128, true, 160};
constexpr Legacy kQ5_0 = {unpack_5, 16, 160, false, 176};
constexpr Legacy kQ5_1 = {unpack_5, 0, 160, true, 192};
constexpr Legacy kQ8_0 = {unpack_bytes, 128, 256, false, 272};
constexpr KQuant kQ4_K = {unpack_4, 0, 128, 128, true};
constexpr KQuant kQ5_K = {unpack_5, 0, 160, 128, true};
constexpr KQuant kQ6_K = {unpack_6, 32, 192, 144, false};

}  // namespace

void multiply_q4_0_scalar(const PanelTile& tile) { multiply(tile, kQ4_0); }
void multiply_q4_1_scalar(const PanelTile& tile) { multiply(tile, kQ4_1); }
void multiply_q5_0_scalar(const PanelTile& tile) { multiply(tile, kQ5_0); }
void multiply_q5_1_scalar(const PanelTile& tile) { multiply(tile, kQ5_1); }
void multiply_q8_0_scalar(const PanelTile& tile) { multiply(tile, kQ8_0); }
void multiply_q4_k_scalar(const PanelTile& tile) { multiply(tile, kQ4_K); }
void multiply_q5_k_scalar(const PanelTile& tile) { multiply(tile, kQ5_K); }
void multiply_q6_k_scalar(const PanelTile& tile) { multiply(tile, kQ6_K); }

}  // namespace hearth::compute::cpu
