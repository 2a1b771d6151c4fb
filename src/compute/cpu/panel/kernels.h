// What a panel kernel is given, and every kernel by name. Plain types only: files of one
// instruction set include this, and may emit nothing that the linker could pick for other files.
//
// A panel is 8 rows of a matrix, cut into blocks of 32 columns (256 for k-quants), each block
// stored with the codes and scales of its 8 rows together (format.h). A tile is up to 64
// rows of activations, its blocks one after the other, each with its rows together.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hearth::quant {
enum class Type : uint32_t;
}

namespace hearth::compute::cpu {

constexpr int kPanelRows = 8;
constexpr int kTileRows =
    64;  // accumulators of a tile, 8 x 64 floats, and a block's codes: 4 KiB of L1

// `stride` rows lie between the blocks of an array; the first n_rows are used. A word pair holds
// two int16, low word first: what the weights' offset times the codes of columns k with k % 4 < 2,
// and of the others, takes off the two 16-bit lanes that a kernel sums these columns into.
struct PanelTile {
  const uint8_t* panel;
  int64_t n_blocks;
  int64_t stride;
  int64_t n_rows;             // 1 to kTileRows
  const int8_t* codes;        // [n_cols / 32, stride, 32]
  const float* scales;        // [n_blocks, stride]
  const float* scaled_sums;   // [n_blocks, stride]; blocks of 32 only
  const int32_t* offsets_8;   // [n_blocks, stride] word pairs, times 8; blocks of 32 only
  const int32_t* offsets_16;  // the same times 16
  const int32_t* offsets_32;  // [n_cols / 32, stride, 2] word pairs, times 32; blocks of 256 only
  // [n_cols / 32, stride, 4]: -32 times the sums of codes k with k % 8 < 4, and of the others, of
  // the first and of the last 16; blocks of 256 only
  const int32_t* lane_offsets;
  const int16_t* sums_32;  // [n_blocks, stride, 8] sums of 32 codes; blocks of 256 only
  float* out;              // [n_rows, kPanelRows], or twice as wide for a pair; 64-byte aligned
};

using PanelKernel = void (*)(const PanelTile& tile);

void multiply_q4_0_scalar(const PanelTile& tile);
void multiply_q4_1_scalar(const PanelTile& tile);
void multiply_q5_0_scalar(const PanelTile& tile);
void multiply_q5_1_scalar(const PanelTile& tile);
void multiply_q8_0_scalar(const PanelTile& tile);
void multiply_iq4_nl_scalar(const PanelTile& tile);
void multiply_mxfp4_scalar(const PanelTile& tile);
void multiply_q2_k_scalar(const PanelTile& tile);
void multiply_q3_k_scalar(const PanelTile& tile);
void multiply_q4_k_scalar(const PanelTile& tile);
void multiply_q5_k_scalar(const PanelTile& tile);
void multiply_q6_k_scalar(const PanelTile& tile);
void multiply_iq4_xs_scalar(const PanelTile& tile);
void multiply_iq1_s_scalar(const PanelTile& tile);
void multiply_iq1_m_scalar(const PanelTile& tile);
void multiply_iq2_xxs_scalar(const PanelTile& tile);
void multiply_iq2_xs_scalar(const PanelTile& tile);
void multiply_iq2_s_scalar(const PanelTile& tile);
void multiply_iq3_xxs_scalar(const PanelTile& tile);
void multiply_iq3_s_scalar(const PanelTile& tile);
void multiply_ternary_scalar(const PanelTile& tile);

void multiply_q4_0_avx2(const PanelTile& tile);
void multiply_q4_1_avx2(const PanelTile& tile);
void multiply_q5_0_avx2(const PanelTile& tile);
void multiply_q5_1_avx2(const PanelTile& tile);
void multiply_q8_0_avx2(const PanelTile& tile);
void multiply_iq4_nl_avx2(const PanelTile& tile);
void multiply_mxfp4_avx2(const PanelTile& tile);
void multiply_q2_k_avx2(const PanelTile& tile);
void multiply_q3_k_avx2(const PanelTile& tile);
void multiply_q4_k_avx2(const PanelTile& tile);
void multiply_q5_k_avx2(const PanelTile& tile);
void multiply_q6_k_avx2(const PanelTile& tile);
void multiply_iq4_xs_avx2(const PanelTile& tile);
void multiply_iq1_s_avx2(const PanelTile& tile);
void multiply_iq1_m_avx2(const PanelTile& tile);
void multiply_iq2_xxs_avx2(const PanelTile& tile);
void multiply_iq2_xs_avx2(const PanelTile& tile);
void multiply_iq2_s_avx2(const PanelTile& tile);
void multiply_iq3_xxs_avx2(const PanelTile& tile);
void multiply_iq3_s_avx2(const PanelTile& tile);
void multiply_ternary_avx2(const PanelTile& tile);

// The kernels of AVX-VNNI by type, for blocks of 32 and of 256; null for types that it has none of.
PanelKernel legacy_kernel_avxvnni(quant::Type type);
PanelKernel k_quant_kernel_avxvnni(quant::Type type);

// The kernels of 64-bit Arm by type, for blocks of 32 and of 256; null for other types.
PanelKernel legacy_kernel_neon(quant::Type type);
PanelKernel legacy_kernel_dotprod(quant::Type type);
PanelKernel legacy_kernel_i8mm(quant::Type type);
PanelKernel k_quant_kernel_neon(quant::Type type);
PanelKernel k_quant_kernel_dotprod(quant::Type type);
PanelKernel k_quant_kernel_i8mm(quant::Type type);

// Two panels, of which the tile has the first one's blocks and between them the other's; the bits
// are those of the same panels one by one.
void multiply_pair_q4_0_avx512(const PanelTile& tile);
void multiply_pair_q4_1_avx512(const PanelTile& tile);
void multiply_pair_q5_0_avx512(const PanelTile& tile);
void multiply_pair_q5_1_avx512(const PanelTile& tile);
void multiply_pair_q8_0_avx512(const PanelTile& tile);
void multiply_pair_iq4_nl_avx512(const PanelTile& tile);
void multiply_pair_mxfp4_avx512(const PanelTile& tile);
void multiply_pair_q2_k_avx512(const PanelTile& tile);
void multiply_pair_q3_k_avx512(const PanelTile& tile);
void multiply_pair_q4_k_avx512(const PanelTile& tile);
void multiply_pair_q5_k_avx512(const PanelTile& tile);
void multiply_pair_q6_k_avx512(const PanelTile& tile);
void multiply_pair_iq4_xs_avx512(const PanelTile& tile);
void multiply_pair_iq1_s_avx512(const PanelTile& tile);
void multiply_pair_iq1_m_avx512(const PanelTile& tile);
void multiply_pair_iq2_xxs_avx512(const PanelTile& tile);
void multiply_pair_iq2_xs_avx512(const PanelTile& tile);
void multiply_pair_iq2_s_avx512(const PanelTile& tile);
void multiply_pair_iq3_xxs_avx512(const PanelTile& tile);
void multiply_pair_iq3_s_avx512(const PanelTile& tile);
void multiply_pair_ternary_avx512(const PanelTile& tile);

// Where one row's codes and sums go in a tile's arrays: the row's own elements of block 0, and
// `stride` rows between blocks, as above.
struct QuantizedRow {
  int64_t n_blocks;
  int64_t stride;
  int8_t* codes;
  float* scales;
  float* scaled_sums;
  int32_t* offsets_8;
  int32_t* offsets_16;
  int32_t* offsets_32;
  int32_t* lane_offsets;
  int16_t* sums_32;
};

using RowQuantizer = void (*)(const float* values, const QuantizedRow& row);

void quantize_row_q8x32_scalar(const float* values, const QuantizedRow& row);
void quantize_row_q8x256_scalar(const float* values, const QuantizedRow& row);
void quantize_row_q8x32_avx2(const float* values, const QuantizedRow& row);
void quantize_row_q8x256_avx2(const float* values, const QuantizedRow& row);
void quantize_row_q8x32_neon(const float* values, const QuantizedRow& row);
void quantize_row_q8x256_neon(const float* values, const QuantizedRow& row);

}  // namespace hearth::compute::cpu
