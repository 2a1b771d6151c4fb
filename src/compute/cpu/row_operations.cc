// The operations that work on a row at a time: EmbedOp and ResidualOp.
#include <cstring>

#include "compute/cpu/input_rows.h"
#include "compute/cpu/workspace.h"

namespace hearth::compute::cpu {
namespace {

class Embed final : public Operation {
 public:
  Embed(const EmbedOp& op, Workspace& workspace)
      : workspace_(workspace),
        table_(workspace.weights.tables[static_cast<size_t>(op.table)]),
        out_(workspace.buffer(op.out)),
        scale_(op.scale) {}

  void run(Walk& walk) override {
    walk.enter(Stage::kRows);
    const quant::TypeInfo& info = quant::type_info(table_.type);
    const int64_t n_blocks = table_.n_cols / info.block_size;
    const Range rows = walk.share(workspace_.step.n_rows);
    for (int64_t r = rows.begin; r < rows.end; ++r) {
      const int64_t token = workspace_.step.row(r).token;
      info.decode(table_.data.data() + token * n_blocks * info.block_bytes,
                  static_cast<size_t>(n_blocks), out_.row(r));
      if (scale_ != 1.0f) workspace_.math.scale(out_.row(r), scale_, out_.width);
    }
  }

 private:
  Workspace& workspace_;
  const MatrixSource& table_;
  Buffer out_;
  float scale_;
};

class Residual final : public Operation {
 public:
  Residual(const ResidualOp& op, Workspace& workspace)
      : workspace_(workspace),
        in_(workspace.buffer(op.in)),
        out_(workspace.buffer(op.out)),
        norm_(op.norm, workspace),
        scale_(op.scale) {}

  void run(Walk& walk) override {
    walk.enter(Stage::kRows);
    float* normed = workspace_.threads[static_cast<size_t>(walk.thread())].row;
    const Range rows = walk.share(workspace_.step.n_rows);
    for (int64_t r = rows.begin; r < rows.end; ++r) {
      const float* values = in_.row(r);
      if (norm_) {
        norm_.apply(values, in_.width, normed);
        values = normed;
      }
      workspace_.math.add_scaled(out_.row(r), values, scale_, in_.width);
    }
  }

 private:
  Workspace& workspace_;
  Buffer in_, out_;
  NormStep norm_;
  float scale_;
};

}  // namespace

Result<std::unique_ptr<Operation>> make_operation(const EmbedOp& op, Workspace& workspace) {
  return std::make_unique<Embed>(op, workspace);
}

Result<std::unique_ptr<Operation>> make_operation(const ResidualOp& op, Workspace& workspace) {
  return std::make_unique<Residual>(op, workspace);
}

}  // namespace hearth::compute::cpu
