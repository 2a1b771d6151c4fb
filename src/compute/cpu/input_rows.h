// The rows that an operation's matrices multiply: its input, normed, in each rounding that they
// take.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "compute/cpu/workspace.h"

namespace hearth::compute::cpu {

// A Norm with its weights looked up.
class NormStep {
 public:
  NormStep() = default;
  NormStep(const std::optional<Norm>& norm, const Workspace& workspace);

  explicit operator bool() const { return apply_ != nullptr; }
  // out may be x.
  void apply(const float* x, int64_t n, float* out) const {
    apply_({.x = x, .n = n, .weight = weight_, .bias = bias_, .epsilon = epsilon_, .out = out});
  }

 private:
  void (*apply_)(const NormRow&) = nullptr;
  const float* weight_ = nullptr;
  const float* bias_ = nullptr;
  float epsilon_ = 0;
};

class InputRows {
 public:
  struct Source {
    BufferId in;
    std::optional<Norm> norm;
    RowSpace space;  // kBatch or kLogits
    std::vector<const WeightMatrix*> consumers;
  };
  InputRows(const Source& source, Workspace& workspace);

  // A stage of its own (one row: redundant, otherwise rows are shared out): every thread calls it,
  // then enters the stage of the product.
  void prepare(Walk& walk) const;
  int64_t n_rows() const;

  // The inputs of a product with this matrix, for `thread`; rows and columns are left to set.
  Product product(const WeightMatrix& matrix, int thread) const;

 private:
  void prepare_row(int64_t r, float* normed, int single_thread) const;
  bool is_single() const { return n_rows() == 1; }

  Workspace* workspace_ = nullptr;
  Buffer in_{};
  NormStep norm_;
  RowSpace space_ = RowSpace::kBatch;
  std::vector<RoundedRows*> rounded_;
  bool copies_floats_ = false;  // a consumer multiplies floats that are not the buffer's rows
};

}  // namespace hearth::compute::cpu
