#include "compute/step_work.h"

#include <algorithm>

namespace hearth::compute {
namespace {

uint64_t product(int64_t a, int64_t b) {
  return static_cast<uint64_t>(a) * static_cast<uint64_t>(b);
}

// Positions that a row sees, itself included.
uint64_t n_visible(const AttentionOp& op, const Row& row) {
  const int32_t n = row.position + 1;
  return static_cast<uint64_t>(op.window > 0 ? std::min(n, op.window) : n);
}

class Describer {
 public:
  Describer(const std::vector<WeightFacts>& matrices, const std::vector<WeightFacts>& tables,
            const KvConfig& kv, const Batch& batch)
      : matrices_(matrices), tables_(tables), kv_(kv), batch_(batch) {
    n_rows_ = std::ssize(batch.rows);
    n_wanted_ = std::ranges::count(batch.rows, true, &Row::wants_logits);
  }

  OpProfile describe(const EmbedOp& op, const OpRun& run) const {
    const WeightFacts& table = tables_[static_cast<size_t>(op.table)];
    const uint64_t row_bytes = table.slice_bytes / static_cast<uint64_t>(table.n_rows);
    return of_weights(
        "embed", {{table.name, table.type, row_bytes * static_cast<uint64_t>(n_rows_), 0}}, run);
  }
  OpProfile describe(const QkvOp& op, const OpRun& run) const {
    return of_weights("qkv", {dense(op.q), dense(op.k), dense(op.v)}, run);
  }
  OpProfile describe(const LinearOp& op, const OpRun& run) const {
    return of_weights("linear", {dense(op.weight)}, run);
  }
  OpProfile describe(const GatedOp& op, const OpRun& run) const {
    return of_weights("gated", {dense(op.gate), dense(op.up)}, run);
  }
  OpProfile describe(const ResidualOp&, const OpRun& run) const {
    return of_weights("residual", {}, run);
  }
  OpProfile describe(const MoeOp& op, const OpRun& run) const {
    const int64_t n_places = n_rows_ * op.n_used;
    return of_weights(
        "experts",
        {dense(op.router), work(op.gate, run.n_experts, n_places),
         work(op.up, run.n_experts, n_places), work(op.down, run.n_experts, n_places)},
        run);
  }
  OpProfile describe(const LogitsOp& op, const OpRun& run) const {
    return of_weights("logits", {work(op.weight, n_wanted_ > 0 ? 1 : 0, n_wanted_)}, run);
  }
  OpProfile describe(const AttentionOp& op, const OpRun& run) const {
    OpProfile profile = of_weights("attention", {}, run);
    const uint64_t position_bytes =
        Backend::kv_position_bytes(kv_.type, kv_.layers[static_cast<size_t>(op.kv_layer)]);
    const uint64_t position_macs = 2 * product(op.n_heads, op.head_dim);
    for (size_t r = 0; r < batch_.rows.size(); ++r) {
      const Row& row = batch_.rows[r];
      const bool continues = r > 0 && batch_.rows[r - 1].sequence == row.sequence;
      profile.attention_macs += position_macs * n_visible(op, row);
      profile.kv_bytes += position_bytes * (continues ? 1 : n_visible(op, row));
    }
    return profile;
  }

 private:
  static OpProfile of_weights(std::string_view kind, std::vector<WeightWork> weights,
                              const OpRun& run) {
    return {.kind = kind, .weights = std::move(weights), .run = run};
  }

  WeightWork dense(MatrixId id) const { return work(id, 1, n_rows_); }
  WeightWork work(MatrixId id, int64_t n_slices, int64_t n_rows) const {
    const WeightFacts& matrix = matrices_[static_cast<size_t>(id)];
    return {.name = matrix.name,
            .type = matrix.type,
            .bytes = static_cast<uint64_t>(n_slices) * matrix.slice_bytes,
            .macs = static_cast<uint64_t>(n_rows) * product(matrix.n_rows, matrix.n_cols)};
  }

  const std::vector<WeightFacts>& matrices_;
  const std::vector<WeightFacts>& tables_;
  const KvConfig& kv_;
  const Batch& batch_;
  int64_t n_rows_, n_wanted_;
};

}  // namespace

StepWork::StepWork(Program program, KvConfig kv, std::vector<WeightFacts> matrices,
                   std::vector<WeightFacts> tables)
    : program_(std::move(program)),
      kv_(std::move(kv)),
      matrices_(std::move(matrices)),
      tables_(std::move(tables)) {}

StepProfile StepWork::describe(const Batch& batch, const StepRun& run) const {
  const Describer describer(matrices_, tables_, kv_, batch);
  StepProfile profile{.seconds = run.seconds, .ops = {}};
  for (size_t i = 0; i < program_.ops.size(); ++i) {
    profile.ops.push_back(std::visit(
        [&](const auto& op) { return describer.describe(op, run.ops[i]); }, program_.ops[i]));
  }
  return profile;
}

}  // namespace hearth::compute
