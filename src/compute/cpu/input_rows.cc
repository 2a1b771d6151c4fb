#include "compute/cpu/input_rows.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace hearth::compute::cpu {

NormStep::NormStep(const std::optional<Norm>& norm, const Workspace& workspace) {
  if (!norm) return;
  apply_ = norm->kind == NormKind::kRms ? workspace.math.rms_norm : workspace.math.layer_norm;
  weight_ = workspace.weights.vector(norm->weight);
  bias_ = workspace.weights.vector(norm->bias);
  epsilon_ = norm->epsilon;
}

InputRows::InputRows(const Source& source, Workspace& workspace)
    : workspace_(&workspace),
      in_(workspace.buffer(source.in)),
      norm_(source.norm, workspace),
      space_(source.space) {
  for (const WeightMatrix* matrix : source.consumers) {
    if (matrix->format() == ActivationFormat::kF32) {
      copies_floats_ = norm_ || source.space == RowSpace::kLogits;
      continue;
    }
    RoundedRows* rows =
        &workspace.rounded_rows(source.space, matrix->format(), in_.width, workspace.max_rows);
    if (std::ranges::find(rounded_, rows) == rounded_.end()) rounded_.push_back(rows);
  }
  if (copies_floats_) workspace.reserve(Shared::kNormed, workspace.max_rows * in_.width);
}

int64_t InputRows::n_rows() const {
  const Step& step = workspace_->step;
  return space_ == RowSpace::kBatch ? step.n_rows : static_cast<int64_t>(step.wanted.size());
}

void InputRows::prepare_row(int64_t r, float* normed, int single_thread) const {
  const int64_t at =
      space_ == RowSpace::kBatch ? r : workspace_->step.wanted[static_cast<size_t>(r)];
  const float* values = in_.row(at);
  if (norm_) {
    norm_.apply(values, in_.width, normed);
    values = normed;
  } else if (copies_floats_) {
    std::memcpy(normed, values, static_cast<size_t>(in_.width) * sizeof *normed);
  }
  for (RoundedRows* rounded : rounded_) {
    QuantizedRows& rows =
        single_thread >= 0 ? rounded->single[static_cast<size_t>(single_thread)] : rounded->rows;
    rows.set_row(r, values);
  }
}

void InputRows::prepare(Walk& walk) const {
  if (is_single()) {
    walk.enter(Stage::kRedundant);
    const ThreadScratch& scratch = workspace_->threads[static_cast<size_t>(walk.thread())];
    return prepare_row(0, scratch.row, walk.thread());
  }
  // The rows that want logits are shared out differently from those of the batch.
  walk.enter(space_ == RowSpace::kBatch ? Stage::kRows : Stage::kShared);
  const Range rows = walk.share(n_rows());
  float* scratch = workspace_->threads[static_cast<size_t>(walk.thread())].row;
  float* floats = workspace_->shared(Shared::kNormed);
  for (int64_t r = rows.begin; r < rows.end; ++r) {
    prepare_row(r, copies_floats_ ? floats + r * in_.width : scratch, -1);
  }
}

Product InputRows::product(const WeightMatrix& matrix, int thread) const {
  Product product = {.stride = in_.width};
  if (matrix.format() == ActivationFormat::kF32) {
    if (!copies_floats_) {
      product.values = in_.data;
    } else {
      product.values = is_single() ? workspace_->threads[static_cast<size_t>(thread)].row
                                   : workspace_->shared(Shared::kNormed);
    }
    return product;
  }
  for (RoundedRows* rounded : rounded_) {
    if (rounded->format != matrix.format()) continue;
    product.quantized =
        is_single() ? &rounded->single[static_cast<size_t>(thread)] : &rounded->rows;
  }
  DCHECK(product.quantized != nullptr);
  return product;
}

}  // namespace hearth::compute::cpu
