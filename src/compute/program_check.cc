#include "compute/program_check.h"

#include <fmt/format.h>

#include <string>
#include <vector>

namespace hearth::compute {
namespace {

class ProgramCheck {
 public:
  ProgramCheck(const Program& program, const WeightShapes& weights, const KvConfig& kv)
      : program_(program), weights_(weights), kv_(kv) {}

  Result<void> check() {
    for (const int32_t width : program_.buffer_widths) {
      if (width < 1)
        return fail(ErrorCode::kInvalidArgument, fmt::format("program: buffer of width {}", width));
    }
    if (program_.ops.empty() || !std::holds_alternative<LogitsOp>(program_.ops.back())) {
      return fail(ErrorCode::kInvalidArgument, "program: the last operation must be LogitsOp");
    }
    for (index_ = 0; index_ < program_.ops.size(); ++index_) {
      const Op& op = program_.ops[index_];
      if (std::holds_alternative<LogitsOp>(op) && index_ + 1 != program_.ops.size()) {
        return fail(ErrorCode::kInvalidArgument, "program: a LogitsOp before the last operation");
      }
      std::visit([this](const auto& o) { check_op(o); }, op);
      if (!problem_.empty()) {
        return fail(ErrorCode::kInvalidArgument,
                    fmt::format("program: operation {}: {}", index_, problem_));
      }
    }
    return {};
  }

 private:
  void problem(std::string text) {
    if (problem_.empty()) problem_ = std::move(text);
  }
  void want(bool holds, std::string_view what) {
    if (!holds) problem(std::string(what));
  }

  int64_t width(BufferId id) {
    if (id < 0 || static_cast<size_t>(id) >= program_.buffer_widths.size()) {
      problem(fmt::format("no buffer {}", id));
      return 0;
    }
    return program_.buffer_widths[static_cast<size_t>(id)];
  }

  void matrix(MatrixId id, int64_t n_rows, int64_t n_cols, int64_t n_slices = 1) {
    if (id < 0 || static_cast<size_t>(id) >= weights_.matrices.size())
      return problem(fmt::format("no matrix {}", id));
    const MatrixShape& m = weights_.matrices[static_cast<size_t>(id)];
    if (m.n_rows != n_rows || m.n_cols != n_cols || m.n_slices != n_slices) {
      problem(fmt::format("matrix {} is [{}, {}, {}], expected [{}, {}, {}]", id, m.n_slices,
                          m.n_rows, m.n_cols, n_slices, n_rows, n_cols));
    }
  }

  void vector(VectorId id, int64_t size) {
    if (id == kNone) return;
    if (id < 0 || static_cast<size_t>(id) >= weights_.vector_sizes.size())
      return problem(fmt::format("no vector {}", id));
    const int64_t found = weights_.vector_sizes[static_cast<size_t>(id)];
    if (found != size)
      problem(fmt::format("vector {} has {} values, expected {}", id, found, size));
  }

  void norm(const std::optional<Norm>& spec, int64_t size) {
    if (!spec) return;
    vector(spec->weight, size);
    vector(spec->bias, size);
    want(spec->epsilon >= 0 && spec->epsilon < 1, "norm epsilon out of [0, 1)");
    want(spec->kind == NormKind::kLayer || spec->bias == kNone, "an RMS norm has no bias");
  }

  void heads(int32_t n_heads, int32_t n_kv_heads, int32_t head_dim, int32_t kv_layer) {
    if (n_heads < 1 || n_kv_heads < 1 || head_dim < 1 || n_heads % n_kv_heads != 0) {
      return problem(fmt::format("{} heads over {} KV heads of {}", n_heads, n_kv_heads, head_dim));
    }
    if (kv_layer < 0 || static_cast<size_t>(kv_layer) >= kv_.layers.size())
      return problem(fmt::format("no KV layer {}", kv_layer));
    const KvLayer& layer = kv_.layers[static_cast<size_t>(kv_layer)];
    want(layer.n_kv_heads == n_kv_heads && layer.head_dim == head_dim, "KV layer of another shape");
  }

  void check_op(const EmbedOp& op) {
    if (op.table < 0 || static_cast<size_t>(op.table) >= weights_.tables.size())
      return problem(fmt::format("no table {}", op.table));
    want(weights_.tables[static_cast<size_t>(op.table)].n_cols == width(op.out),
         "embedding width differs from its buffer's");
  }

  void check_op(const QkvOp& op) {
    heads(op.n_heads, op.n_kv_heads, op.head_dim, op.kv_layer);
    if (!problem_.empty()) return;
    const int64_t q_rows = int64_t{op.n_heads} * op.head_dim;
    const int64_t kv_rows = int64_t{op.n_kv_heads} * op.head_dim;
    norm(op.norm, width(op.in));
    matrix(op.q, q_rows, width(op.in));
    matrix(op.k, kv_rows, width(op.in));
    matrix(op.v, kv_rows, width(op.in));
    vector(op.q_bias, q_rows);
    vector(op.k_bias, kv_rows);
    vector(op.v_bias, kv_rows);
    norm(op.q_norm, op.head_dim);
    norm(op.k_norm, op.head_dim);
    want(width(op.q_out) == q_rows, "q buffer has another width");
    want(op.q_out != op.in, "q buffer aliases its input");
    if (op.rope == kNone) return;
    if (op.rope < 0 || static_cast<size_t>(op.rope) >= program_.ropes.size())
      return problem(fmt::format("no rope {}", op.rope));
    want(program_.ropes[static_cast<size_t>(op.rope)].inverse_frequency.size() * 2 <=
             static_cast<size_t>(op.head_dim),
         "rope turns more dimensions than a head has");
  }

  void check_op(const AttentionOp& op) {
    heads(op.n_heads, op.n_kv_heads, op.head_dim, op.kv_layer);
    const int64_t q_width = int64_t{op.n_heads} * op.head_dim;
    want(width(op.q) == q_width && width(op.out) == q_width,
         "attention buffers have another width");
    want(op.q != op.out, "attention output aliases its input");
    want(op.window >= 0, "negative window");
    vector(op.sinks, op.n_heads);
  }

  void check_op(const LinearOp& op) {
    norm(op.norm, width(op.in));
    matrix(op.weight, width(op.out), width(op.in));
    vector(op.bias, width(op.out));
    want(op.in != op.out, "linear output aliases its input");
  }

  void check_op(const GatedOp& op) {
    norm(op.norm, width(op.in));
    matrix(op.gate, width(op.out), width(op.in));
    matrix(op.up, width(op.out), width(op.in));
    vector(op.gate_bias, width(op.out));
    vector(op.up_bias, width(op.out));
    want(op.in != op.out, "gated output aliases its input");
  }

  void check_op(const ResidualOp& op) {
    norm(op.norm, width(op.in));
    want(width(op.in) == width(op.out), "residual widths differ");
    want(op.in != op.out, "residual output aliases its input");
  }

  void check_op(const MoeOp& op) {
    if (op.n_experts < 1 || op.n_used < 1 || op.n_used > op.n_experts) {
      return problem(fmt::format("{} of {} experts", op.n_used, op.n_experts));
    }
    norm(op.norm, width(op.in));
    matrix(op.router, op.n_experts, width(op.in));
    vector(op.router_bias, op.n_experts);
    if (op.gate < 0 || static_cast<size_t>(op.gate) >= weights_.matrices.size())
      return problem(fmt::format("no matrix {}", op.gate));
    const int64_t hidden = weights_.matrices[static_cast<size_t>(op.gate)].n_rows;
    matrix(op.gate, hidden, width(op.in), op.n_experts);
    matrix(op.up, hidden, width(op.in), op.n_experts);
    matrix(op.down, width(op.out), hidden, op.n_experts);
  }

  void check_op(const LogitsOp& op) {
    norm(op.norm, width(op.in));
    matrix(op.weight, program_.n_vocab, width(op.in));
    vector(op.bias, program_.n_vocab);
  }

  const Program& program_;
  const WeightShapes& weights_;
  const KvConfig& kv_;
  size_t index_ = 0;
  std::string problem_;
};

std::unexpected<Error> bad_row(size_t i, const std::string& what) {
  return fail(ErrorCode::kInvalidArgument, fmt::format("batch: row {}: {}", i, what));
}

}  // namespace

Result<void> check_program(const Program& program, const WeightShapes& weights,
                           const KvConfig& kv) {
  return ProgramCheck(program, weights, kv).check();
}

Result<void> check_matrix_source(const MatrixSource& source) {
  if (source.n_rows < 1 || source.n_cols < 1 || source.n_slices < 1) {
    return fail(ErrorCode::kInvalidFile,
                fmt::format("tensor '{}' has the empty shape [{}, {}, {}]", source.name,
                            source.n_slices, source.n_rows, source.n_cols));
  }
  const auto row = quant::row_bytes(source.type, static_cast<uint64_t>(source.n_cols));
  if (!row) {
    return fail(ErrorCode::kInvalidFile,
                fmt::format("tensor '{}': rows of {} values are no whole blocks of {}", source.name,
                            source.n_cols, quant::type_info(source.type).name));
  }
  uint64_t bytes = 0;
  if (__builtin_mul_overflow(*row, static_cast<uint64_t>(source.n_rows), &bytes) ||
      __builtin_mul_overflow(bytes, static_cast<uint64_t>(source.n_slices), &bytes) ||
      bytes != source.data.size()) {
    return fail(ErrorCode::kInvalidFile,
                fmt::format("tensor '{}' has {} bytes, its shape [{}, {}, {}] in {} needs {}",
                            source.name, source.data.size(), source.n_slices, source.n_rows,
                            source.n_cols, quant::type_info(source.type).name, bytes));
  }
  return {};
}

Result<void> check_batch(const Batch& batch, std::span<const float> logits,
                         const BatchLimits& limits) {
  if (batch.rows.empty() || batch.rows.size() > static_cast<size_t>(limits.max_rows)) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("batch: {} rows, a step takes 1 to {}",
                                                         batch.rows.size(), limits.max_rows));
  }
  std::vector<int32_t> last(batch.block_tables.size(), -1);
  size_t n_wanted = 0;
  for (size_t i = 0; i < batch.rows.size(); ++i) {
    const Row& row = batch.rows[i];
    if (row.token < 0 || row.token >= limits.n_tokens)
      return bad_row(i, fmt::format("token {} of {}", row.token, limits.n_tokens));
    if (row.sequence < 0 || static_cast<size_t>(row.sequence) >= batch.block_tables.size()) {
      return bad_row(i, fmt::format("sequence {} of {}", row.sequence, batch.block_tables.size()));
    }
    const auto sequence = static_cast<size_t>(row.sequence);
    if (row.position <= last[sequence])
      return bad_row(i, fmt::format("position {} is not after {}", row.position, last[sequence]));
    last[sequence] = row.position;
    n_wanted += row.wants_logits;
  }
  for (size_t s = 0; s < last.size(); ++s) {
    const auto table = batch.block_tables[s];
    const size_t n_needed = static_cast<size_t>(last[s] + kKvBlockTokens) / kKvBlockTokens;
    if (last[s] < 0) continue;
    if (table.size() < n_needed) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("batch: sequence {} reaches position {}, its {} blocks end at {}", s,
                              last[s], table.size(), table.size() * kKvBlockTokens));
    }
    for (size_t b = 0; b < n_needed; ++b) {
      if (table[b] < 0 || table[b] >= limits.n_blocks) {
        return fail(
            ErrorCode::kInvalidArgument,
            fmt::format("batch: sequence {}: KV block {} of {}", s, table[b], limits.n_blocks));
      }
    }
  }
  if (logits.size() != n_wanted * static_cast<size_t>(limits.n_vocab)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("batch: room for {} logits, {} rows of {} are wanted", logits.size(),
                            n_wanted, limits.n_vocab));
  }
  return {};
}

}  // namespace hearth::compute
