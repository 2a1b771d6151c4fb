#include "compute/reference/backend.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <set>

#include "base/check.h"
#include "compute/program_check.h"
#include "compute/reference/functions.h"
#include "compute/reference/kv_cache.h"
#include "compute/reference/matrix.h"

namespace hearth::compute {
namespace {

using reference::Choice;
using reference::KvCache;
using reference::Matrix;

class ReferenceBackend final : public Backend {
 public:
  explicit ReferenceBackend(const ReferenceOptions& options) : options_(options) {}

  Result<MatrixId> add_matrix(const MatrixSource& source) override {
    TRY(check_matrix_source(source));
    if (quant::type_info(source.type).decode == nullptr) {
      return fail(
          ErrorCode::kUnsupported,
          fmt::format("tensor '{}': weights in {} cannot be run; convert it to another type",
                      source.name, quant::type_info(source.type).name));
    }
    matrices_.push_back(reference::decode_matrix(source, options_.quantize_activations));
    return static_cast<MatrixId>(matrices_.size() - 1);
  }

  VectorId add_vector(std::span<const float> values) override {
    vectors_.emplace_back(values.begin(), values.end());
    return static_cast<VectorId>(vectors_.size() - 1);
  }

  Result<TableId> add_table(const MatrixSource& source) override {
    TRY(check_matrix_source(source));
    if (quant::type_info(source.type).decode == nullptr) {
      return fail(
          ErrorCode::kUnsupported,
          fmt::format("tensor '{}': embeddings in {} cannot be read; convert it to another type",
                      source.name, quant::type_info(source.type).name));
    }
    tables_.push_back(reference::decode_matrix(source, false));
    return static_cast<TableId>(tables_.size() - 1);
  }

  Result<void> prepare(Program program, const KvConfig& kv, int32_t max_rows) override {
    std::vector<MatrixShape> matrices, tables;
    std::vector<int64_t> sizes;
    for (const Matrix& m : matrices_) matrices.push_back({m.n_rows, m.n_cols, m.n_slices});
    for (const Matrix& m : tables_) tables.push_back({m.n_rows, m.n_cols, m.n_slices});
    for (const auto& vector : vectors_) sizes.push_back(static_cast<int64_t>(vector.size()));
    TRY(check_program(program, {matrices, tables, sizes}, kv));
    cache_ = TRY(KvCache::create(kv));
    program_ = std::move(program);
    limits_ = {.max_rows = max_rows,
               .n_vocab = program_.n_vocab,
               .n_tokens = std::numeric_limits<int32_t>::max(),
               .n_blocks = kv.n_blocks};
    for (const Op& op : program_.ops) {
      if (const auto* embed = std::get_if<EmbedOp>(&op)) {
        const int64_t rows = tables_[static_cast<size_t>(embed->table)].n_rows;
        limits_.n_tokens = static_cast<int32_t>(std::min<int64_t>(limits_.n_tokens, rows));
      }
    }
    buffers_.clear();
    for (const int32_t width : program_.buffer_widths) {
      buffers_.emplace_back(static_cast<size_t>(width) * static_cast<size_t>(max_rows));
    }
    return {};
  }

  Result<void> run(const Batch& batch, std::span<float> logits) override {
    TRY(run_timed(batch, logits));
    return {};
  }

  Result<StepRun> run_timed(const Batch& batch, std::span<float> logits) override {
    TRY(check_batch(batch, logits, limits_));
    batch_ = &batch;
    logits_ = logits;
    StepRun run;
    for (const Op& op : program_.ops) {
      used_experts_.clear();
      const auto begin = std::chrono::steady_clock::now();
      std::visit([this](const auto& o) { step(o); }, op);
      const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
      run.ops.push_back({.seconds = took.count(), .n_experts = std::ssize(used_experts_)});
      run.seconds += took.count();
    }
    TRY(check_finite(logits));
    return run;
  }

  uint64_t matrix_bytes(quant::Type, int64_t n_rows, int64_t n_cols) const override {
    return static_cast<uint64_t>(n_rows) * static_cast<uint64_t>(n_cols) * sizeof(float);
  }

  std::string description() const override { return "reference: scalar definition, 1 thread"; }
  std::vector<std::string> slow_paths() const override {
    return {"everything: this backend is the definition, not for speed"};
  }

 private:
  Result<void> check_finite(std::span<const float> logits) const {
    for (size_t i = 0; i < logits.size(); ++i) {
      if (!std::isfinite(logits[i])) {
        return fail(
            ErrorCode::kNonFinite,
            fmt::format("logit {} of wanted row {} is not finite: the model's weights or the "
                        "cache hold NaN or infinity",
                        i % static_cast<size_t>(program_.n_vocab),
                        i / static_cast<size_t>(program_.n_vocab)));
      }
    }
    return {};
  }

  std::span<float> row(BufferId id, size_t r) {
    const auto width = static_cast<size_t>(program_.buffer_widths[static_cast<size_t>(id)]);
    return {buffers_[static_cast<size_t>(id)].data() + r * width, width};
  }
  std::span<const float> vector(VectorId id) const {
    return id == kNone ? std::span<const float>() : vectors_[static_cast<size_t>(id)];
  }
  const Matrix& matrix(MatrixId id) const { return matrices_[static_cast<size_t>(id)]; }

  void apply_norm(const std::optional<Norm>& norm, std::span<float> values) const {
    if (norm)
      reference::normalize(norm->kind, norm->epsilon, vector(norm->weight), vector(norm->bias),
                           values);
  }
  std::vector<float> normed(const std::optional<Norm>& norm, std::span<const float> in) const {
    std::vector<float> values(in.begin(), in.end());
    apply_norm(norm, values);
    return values;
  }
  std::vector<float> product(MatrixId id, int64_t slice, VectorId bias,
                             std::span<const float> x) const {
    std::vector<float> out(static_cast<size_t>(matrix(id).n_rows));
    reference::multiply(matrix(id), slice, x, out);
    const auto b = vector(bias);
    for (size_t i = 0; i < b.size(); ++i) out[i] += b[i];
    return out;
  }
  static void add_scaled(std::span<float> out, float scale, std::span<const float> values) {
    for (size_t i = 0; i < out.size(); ++i) out[i] += scale * values[i];
  }

  void step(const EmbedOp& op) {
    for (size_t r = 0; r < batch_->rows.size(); ++r) {
      const auto values = tables_[static_cast<size_t>(op.table)].row(0, batch_->rows[r].token);
      const auto out = row(op.out, r);
      for (size_t i = 0; i < out.size(); ++i) out[i] = values[i] * op.scale;
    }
  }

  // Head norm, then rotation, on each head of a projected row.
  void finish_heads(std::span<float> heads, const QkvOp& op, const std::optional<Norm>& norm,
                    int32_t position) const {
    for (size_t begin = 0; begin < heads.size(); begin += static_cast<size_t>(op.head_dim)) {
      const auto head = heads.subspan(begin, static_cast<size_t>(op.head_dim));
      apply_norm(norm, head);
      if (op.rope != kNone)
        reference::rotate(program_.ropes[static_cast<size_t>(op.rope)], position, head);
    }
  }

  void step(const QkvOp& op) {
    for (size_t r = 0; r < batch_->rows.size(); ++r) {
      const Row& at = batch_->rows[r];
      const std::vector<float> x = normed(op.norm, row(op.in, r));
      std::vector<float> q = product(op.q, 0, op.q_bias, x);
      std::vector<float> k = product(op.k, 0, op.k_bias, x);
      const std::vector<float> v = product(op.v, 0, op.v_bias, x);
      finish_heads(q, op, op.q_norm, at.position);
      finish_heads(k, op, op.k_norm, at.position);
      std::ranges::copy(q, row(op.q_out, r).begin());
      cache_.write(
          op.kv_layer,
          KvCache::slot(batch_->block_tables[static_cast<size_t>(at.sequence)], at.position), k, v);
    }
  }

  void attend_head(const AttentionOp& op, const Row& at, int32_t head, std::span<const float> q,
                   std::span<float> out) const {
    const auto table = batch_->block_tables[static_cast<size_t>(at.sequence)];
    const int32_t first = op.window > 0 ? std::max(0, at.position - op.window + 1) : 0;
    const auto dim = static_cast<size_t>(op.head_dim);
    const size_t kv_begin = static_cast<size_t>(head / (op.n_heads / op.n_kv_heads)) * dim;
    std::vector<double> scores;
    for (int32_t p = first; p <= at.position; ++p) {
      const auto k = cache_.k(op.kv_layer, KvCache::slot(table, p)).subspan(kv_begin, dim);
      double score = 0;
      for (size_t i = 0; i < dim; ++i) score += double{q[i]} * k[i];
      score *= op.scale;
      if (op.softcap > 0) score = op.softcap * std::tanh(score / op.softcap);
      scores.push_back(score);
    }
    const auto sinks = vector(op.sinks);
    double most = *std::ranges::max_element(scores);
    if (!sinks.empty()) most = std::max(most, double{sinks[static_cast<size_t>(head)]});
    double total = sinks.empty() ? 0 : std::exp(sinks[static_cast<size_t>(head)] - most);
    for (double& score : scores) total += score = std::exp(score - most);
    std::vector<double> sums(dim);
    for (int32_t p = first; p <= at.position; ++p) {
      const auto v = cache_.v(op.kv_layer, KvCache::slot(table, p)).subspan(kv_begin, dim);
      const double weight = scores[static_cast<size_t>(p - first)];
      for (size_t i = 0; i < dim; ++i) sums[i] += weight * v[i];
    }
    for (size_t i = 0; i < dim; ++i) out[i] = static_cast<float>(sums[i] / total);
  }

  void step(const AttentionOp& op) {
    const auto dim = static_cast<size_t>(op.head_dim);
    for (size_t r = 0; r < batch_->rows.size(); ++r) {
      for (int32_t head = 0; head < op.n_heads; ++head) {
        const size_t begin = static_cast<size_t>(head) * dim;
        attend_head(op, batch_->rows[r], head, row(op.q, r).subspan(begin, dim),
                    row(op.out, r).subspan(begin, dim));
      }
    }
  }

  void step(const LinearOp& op) {
    for (size_t r = 0; r < batch_->rows.size(); ++r) {
      std::vector<float> y = product(op.weight, 0, op.bias, normed(op.norm, row(op.in, r)));
      for (float& value : y) value = static_cast<float>(reference::activate(op.activation, value));
      const auto out = row(op.out, r);
      if (op.accumulate) {
        add_scaled(out, op.scale, y);
      } else {
        std::ranges::copy(y, out.begin());
      }
    }
  }

  static void gate_in_place(std::span<float> gate, std::span<const float> up,
                            Activation activation) {
    for (size_t i = 0; i < gate.size(); ++i)
      gate[i] = static_cast<float>(reference::activate(activation, gate[i]) * up[i]);
  }

  void step(const GatedOp& op) {
    for (size_t r = 0; r < batch_->rows.size(); ++r) {
      const std::vector<float> x = normed(op.norm, row(op.in, r));
      std::vector<float> gate = product(op.gate, 0, op.gate_bias, x);
      gate_in_place(gate, product(op.up, 0, op.up_bias, x), op.activation);
      std::ranges::copy(gate, row(op.out, r).begin());
    }
  }

  void step(const ResidualOp& op) {
    for (size_t r = 0; r < batch_->rows.size(); ++r) {
      add_scaled(row(op.out, r), op.scale, normed(op.norm, row(op.in, r)));
    }
  }

  void step(const MoeOp& op) {
    for (size_t r = 0; r < batch_->rows.size(); ++r) {
      const std::vector<float> x = normed(op.norm, row(op.in, r));
      const std::vector<float> scores = product(op.router, 0, op.router_bias, x);
      std::vector<float> sum(row(op.out, r).size());
      for (const Choice& choice : reference::choose_experts(op, scores)) {
        used_experts_.insert(choice.expert);
        std::vector<float> hidden = product(op.gate, choice.expert, kNone, x);
        gate_in_place(hidden, product(op.up, choice.expert, kNone, x), op.activation);
        add_scaled(sum, choice.weight, product(op.down, choice.expert, kNone, hidden));
      }
      add_scaled(row(op.out, r), op.scale, sum);
    }
  }

  void step(const LogitsOp& op) {
    auto out = logits_;
    for (size_t r = 0; r < batch_->rows.size(); ++r) {
      if (!batch_->rows[r].wants_logits) continue;
      const std::vector<float> y = product(op.weight, 0, op.bias, normed(op.norm, row(op.in, r)));
      for (size_t i = 0; i < y.size(); ++i) {
        const double value = double{op.scale} * y[i];
        out[i] =
            static_cast<float>(op.softcap > 0 ? op.softcap * std::tanh(value / op.softcap) : value);
      }
      out = out.subspan(y.size());
    }
  }

  ReferenceOptions options_;
  std::vector<Matrix> matrices_, tables_;
  std::vector<std::vector<float>> vectors_, buffers_;
  Program program_;
  KvCache cache_;
  BatchLimits limits_{};
  std::set<int32_t> used_experts_;  // by the operation at hand
  const Batch* batch_ = nullptr;
  std::span<float> logits_;
};

}  // namespace

std::unique_ptr<Backend> make_reference_backend(const ReferenceOptions& options) {
  return std::make_unique<ReferenceBackend>(options);
}

}  // namespace hearth::compute
