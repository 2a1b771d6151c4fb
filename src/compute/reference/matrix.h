// A weight matrix decoded to floats, and the product that defines what every kernel must give.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "compute/activation.h"
#include "compute/backend.h"

namespace hearth::compute::reference {

struct Matrix {
  int64_t n_rows, n_cols, n_slices;
  ActivationFormat format;       // kF32 if activations are not to be quantized
  std::vector<float> values;     // [n_slices, n_rows, n_cols]
  std::vector<float> block_min;  // the constant of each block of 32 for Q4_1 and Q5_1, else empty

  std::span<const float> row(int64_t slice, int64_t r) const {
    return {values.data() + (slice * n_rows + r) * n_cols, static_cast<size_t>(n_cols)};
  }
};

// source has passed check_matrix_source.
Matrix decode_matrix(const MatrixSource& source, bool quantize_activations);

// out[r] = sum over c of w[slice, r, c] * x[c], x rounded as matrix.format says, summed in double.
// For Q4_1 and Q5_1 a block's constant multiplies the half-rounded scaled sum, as in GGML.
void multiply(const Matrix& matrix, int64_t slice, std::span<const float> x, std::span<float> out);

}  // namespace hearth::compute::reference
