// Quantized weights in panels, and the products that run on them.
//
// A panel is 8 rows, or 16 where the kernel takes them at once, interleaved in blocks of 32 columns
// (256 for k-quants and i-quants) at the file's bits per weight, or more where panel/format.h says
// so. The kernels are chosen when the matrix is packed (base/cpu_features.h); every level gives the
// same bits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/cpu_features.h"
#include "base/result.h"
#include "base/worker_pool.h"
#include "compute/activation.h"
#include "compute/backend.h"

namespace hearth::compute::cpu {

// Activations of up to max_rows rows, quantized in the format that a matrix takes and laid out
// block-major, as the kernels stream them. Owns its memory; reused from step to step.
class QuantizedRows {
 public:
  QuantizedRows(int64_t max_rows, int64_t max_cols);
  ~QuantizedRows();
  QuantizedRows(QuantizedRows&&) noexcept;
  QuantizedRows& operator=(QuantizedRows&&) noexcept;

  // Sets the shape and format (kQ8x32 or kQ8x256) of what follows; n_cols is a multiple of the
  // block.
  void reset(int64_t n_rows, int64_t n_cols, ActivationFormat format);
  // Quantizes row `row` from n_cols floats. Different rows may be set from different threads.
  void set_row(int64_t row, const float* values);

  int64_t n_rows() const { return n_rows_; }
  int64_t n_cols() const { return n_cols_; }
  ActivationFormat format() const { return format_; }

 private:
  friend class PackedMatrix;
  int64_t n_rows_ = 0, n_cols_ = 0;
  ActivationFormat format_ = ActivationFormat::kQ8x32;
  struct Storage;
  std::unique_ptr<Storage> storage_;
};

class PackedMatrix {
 public:
  // True if the type has an integer kernel for rows of n_cols at this level.
  static bool can_pack(quant::Type type, int64_t n_cols, IsaLevel level);
  static uint64_t packed_bytes(quant::Type type, int64_t n_rows, int64_t n_cols, IsaLevel level);
  // Packs with all threads of the pool. Slices are packed one after the other, each from a new
  // panel.
  static Result<PackedMatrix> pack(const MatrixSource& source, IsaLevel level, WorkerPool& pool);

  // True if the CPU's instruction sets have no kernel for the type: products run in plain C++.
  bool is_slow() const;
  ActivationFormat activation_format() const;
  int64_t n_rows() const;  // a slice
  int64_t n_cols() const;
  int64_t n_panels() const;    // a slice
  int64_t panel_rows() const;  // that a kernel computes at once: 8, or 16 as a pair of 8
  uint64_t size_bytes() const;

  // out[r * out_stride + row] = W x_r for the rows of panels [panel_begin, panel_end) of `slice`,
  // and activation rows [row_begin, row_end) (r counts from row_begin). Calls on disjoint panels
  // may run at once. A result does not depend on how panels and rows are cut into calls.
  void multiply(const QuantizedRows& x, int64_t row_begin, int64_t row_end, int64_t slice,
                int64_t panel_begin, int64_t panel_end, float* out, int64_t out_stride) const;

 private:
  struct Impl;
  std::shared_ptr<const Impl> impl_;
};

}  // namespace hearth::compute::cpu
