// Where quantized rows lie: tile by tile, in a tile block by block, in a block row by row, so that
// a kernel streams a tile's arrays from front to back whatever the number of rows and columns.
#pragma once

#include <cstdint>

#include "base/cpu_features.h"
#include "compute/cpu/packed_matrix.h"
#include "compute/cpu/pages.h"
#include "compute/cpu/panel/kernels.h"

namespace hearth::compute::cpu {

// For kQ8x32 and kQ8x256; every level gives the same bits.
RowQuantizer row_quantizer(ActivationFormat format, IsaLevel level);

struct QuantizedRows::Storage {
  Storage(int64_t max_rows, int64_t max_cols);

  int64_t max_rows, max_cols;
  RowQuantizer quantize = nullptr;
  Pages memory;  // of all arrays
  int8_t* codes;
  float* scales;
  float* scaled_sums;
  int32_t* offsets_8;
  int32_t* offsets_16;
  int32_t* offsets_32;
  int32_t* lane_offsets;
  int16_t* sums_32;

  // The arrays from `row` on, whose tile they stay in.
  QuantizedRow at_row(int64_t row, int64_t n_rows, int64_t n_cols, ActivationFormat format) const;
};

}  // namespace hearth::compute::cpu
