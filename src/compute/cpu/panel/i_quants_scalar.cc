// The panel products of i-quants with code books in plain C++: what every instruction set's kernels
// must equal, bit for bit.
//
//   acc = fma(isum, (d_w * factor) * d_a, acc) over the blocks of 256 in ascending order
//   isum = sum over sub-blocks of scale * sum of (code - offset) * a, exact in 32 bits: at most
//          256 * 31 * 43 * 127 in magnitude
#include <cmath>
#include <cstring>

#include "base/half.h"
#include "compute/cpu/panel/i_quants.h"
#include "compute/cpu/panel/kernels.h"

namespace hearth::compute::cpu {
namespace {

struct SubBlock {
  int values[kPanelRows][32];  // code - offset
  uint8_t scales[16];          // [half][row]
};

template <class Format>
SubBlock load_sub_block(const uint8_t* from) {
  Entries entries;
  Format::load_entries(from, entries);
  SubBlock sub_block;
  Format::load_scales(from, sub_block.scales);
  if (Format::kScales == 1) std::memcpy(sub_block.scales + 8, sub_block.scales, 8);
  for (int r = 0; r < kPanelRows; ++r) {
    for (int k = 0; k < 32; ++k) {
      const int group = k / 8;
      const uint64_t entry = Format::kBook[entries.index[8 * group + r]];
      const int byte = static_cast<int>(entry >> 8 * (k % 8) & 255);
      const bool is_negative = (entries.signs[group] >> (8 * r + k % 8) & 1) != 0;
      const int base = Format::kHasShift ? byte - Format::kOffset : 0;
      const int term = Format::kHasShift ? 1 : byte;
      sub_block.values[r][k] = is_negative ? base - term : base + term;
    }
  }
  return sub_block;
}

int32_t dot(const int* values, const int8_t* a, int n) {
  int32_t sum = 0;
  for (int k = 0; k < n; ++k) sum += values[k] * a[k];
  return sum;
}

template <class Format>
void multiply(const PanelTile& tile) {
  constexpr int kBlockBytes = kSubBlocksAt + 8 * Format::kSubBlockBytes;
  std::memset(tile.out, 0, sizeof(float) * kPanelRows * static_cast<size_t>(tile.n_rows));
  for (int64_t b = 0; b < tile.n_blocks; ++b) {
    const uint8_t* block = tile.panel + b * kBlockBytes;
    SubBlock sub_blocks[8];
    for (int j = 0; j < 8; ++j) {
      sub_blocks[j] = load_sub_block<Format>(block + kSubBlocksAt + Format::kSubBlockBytes * j);
    }
    for (int r = 0; r < kPanelRows; ++r) {
      uint16_t half;
      std::memcpy(&half, block + 2 * r, sizeof half);
      const float d = half_to_float(half) * Format::kFactor;
      for (int64_t t = 0; t < tile.n_rows; ++t) {
        int32_t sum = 0;
        for (int j = 0; j < 8; ++j) {
          const SubBlock& sub_block = sub_blocks[j];
          const int8_t* a = tile.codes + 32 * ((8 * b + j) * tile.stride + t);
          sum += sub_block.scales[r] * dot(sub_block.values[r], a, 16);
          sum += sub_block.scales[8 + r] * dot(sub_block.values[r] + 16, a + 16, 16);
        }
        float& out = tile.out[kPanelRows * t + r];
        out = std::fma(static_cast<float>(sum), d * tile.scales[b * tile.stride + t], out);
      }
    }
  }
}

}  // namespace

void multiply_iq1_s_scalar(const PanelTile& tile) { multiply<FormatIQ1_S>(tile); }
void multiply_iq1_m_scalar(const PanelTile& tile) { multiply<FormatIQ1_M>(tile); }
void multiply_iq2_xxs_scalar(const PanelTile& tile) { multiply<FormatIQ2_XXS>(tile); }
void multiply_iq2_xs_scalar(const PanelTile& tile) { multiply<FormatIQ2_XS>(tile); }
void multiply_iq2_s_scalar(const PanelTile& tile) { multiply<FormatIQ2_S>(tile); }

}  // namespace hearth::compute::cpu
