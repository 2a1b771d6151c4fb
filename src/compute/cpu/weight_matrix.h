// A weight matrix in the form that its type runs in: packed panels with integer kernels, or floats
// in place.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/cpu_features.h"
#include "base/result.h"
#include "base/worker_pool.h"
#include "compute/activation.h"
#include "compute/backend.h"
#include "compute/cpu/float_product.h"
#include "compute/cpu/packed_matrix.h"

namespace hearth::compute::cpu {

// A matrix times some activation rows. Which of the two inputs is read is format()'s choice.
struct Product {
  const QuantizedRows* quantized = nullptr;
  const float* values = nullptr;  // row i at values + i * stride
  int64_t stride = 0;
  int64_t row_begin = 0, row_end = 0;  // activation rows
  int64_t slice = 0;
  int64_t column_begin = 0, column_end = 0;  // of the output: weight rows of the slice
  float* out = nullptr;  // (row_begin, column_begin) is out[0], the next row out_stride on
  int64_t out_stride = 0;
};

class WeightMatrix {
 public:
  // source.data must outlive the matrix, which may run in place.
  static Result<WeightMatrix> create(const MatrixSource& source, IsaLevel level, WorkerPool& pool);
  // Bytes of the form that create() would choose.
  static uint64_t size_bytes(quant::Type type, int64_t n_rows, int64_t n_cols, IsaLevel level);

  int64_t n_rows() const { return source_.n_rows; }
  int64_t n_cols() const { return source_.n_cols; }
  int64_t n_slices() const { return source_.n_slices; }
  ActivationFormat format() const { return format_; }
  // A product's column_begin is a multiple of this, and its column_end too or the last column.
  int64_t column_step() const { return packed_ ? packed_->panel_rows() : 1; }
  // Activation rows that a call should take at a time so that they stay in the L2 cache.
  int64_t row_tile() const;
  int64_t row_bytes() const { return row_bytes_; }
  // What this matrix's path is called where it is a slow one.
  std::optional<std::string> slow_path() const;

  // Calls on disjoint columns or rows may run at once. Bits do not depend on the cut.
  void multiply(const Product& product) const;

 private:
  MatrixSource source_;
  ActivationFormat format_ = ActivationFormat::kF32;
  int64_t row_bytes_ = 0;
  std::optional<PackedMatrix> packed_;
  FloatProductKernel float_kernel_ = nullptr;
};

}  // namespace hearth::compute::cpu
