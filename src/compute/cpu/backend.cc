#include "compute/cpu/backend.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/usable_cpus.h"
#include "compute/cpu/executor.h"
#include "compute/program_check.h"

namespace hearth::compute {
namespace {

using cpu::WeightMatrix;

class CpuBackend final : public Backend {
 public:
  explicit CpuBackend(int n_threads) : pool_(n_threads), level_(isa_level()) {}

  Result<MatrixId> add_matrix(const MatrixSource& source) override {
    TRY(check_matrix_source(source));
    weights_.matrices.push_back(TRY(WeightMatrix::create(source, level_, pool_)));
    return static_cast<MatrixId>(weights_.matrices.size() - 1);
  }

  VectorId add_vector(std::span<const float> values) override {
    weights_.vectors.emplace_back(values.begin(), values.end());
    return static_cast<VectorId>(weights_.vectors.size() - 1);
  }

  Result<TableId> add_table(const MatrixSource& source) override {
    TRY(check_matrix_source(source));
    if (quant::type_info(source.type).decode == nullptr) {
      return fail(
          ErrorCode::kUnsupported,
          fmt::format("tensor '{}': embeddings in {} cannot be read; convert it to another type",
                      source.name, quant::type_info(source.type).name));
    }
    weights_.tables.push_back(source);
    weights_.tables.back().name = {};
    return static_cast<TableId>(weights_.tables.size() - 1);
  }

  Result<void> prepare(Program program, const KvConfig& kv, int32_t max_rows) override {
    if (max_rows < 1 || max_rows > kMostRows) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("steps of {} rows: must be 1 to {}", max_rows, kMostRows));
    }
    std::vector<MatrixShape> matrices, tables;
    std::vector<int64_t> sizes;
    for (const WeightMatrix& m : weights_.matrices)
      matrices.push_back({m.n_rows(), m.n_cols(), m.n_slices()});
    for (const MatrixSource& t : weights_.tables)
      tables.push_back({t.n_rows, t.n_cols, t.n_slices});
    for (const auto& vector : weights_.vectors)
      sizes.push_back(static_cast<int64_t>(vector.size()));
    TRY(check_program(program, {matrices, tables, sizes}, kv));
    limits_ = {.max_rows = max_rows,
               .n_vocab = program.n_vocab,
               .n_tokens = std::numeric_limits<int32_t>::max(),
               .n_blocks = kv.n_blocks};
    for (const Op& op : program.ops) {
      if (const auto* embed = std::get_if<EmbedOp>(&op)) {
        const int64_t rows = tables[static_cast<size_t>(embed->table)].n_rows;
        limits_.n_tokens = static_cast<int32_t>(std::min<int64_t>(limits_.n_tokens, rows));
      }
    }
    executor_ = TRY(cpu::Executor::create(
        program, kv, max_rows, std::make_unique<cpu::Workspace>(weights_, pool_, level_)));
    return {};
  }

  Result<void> run(const Batch& batch, std::span<float> logits) override {
    TRY(check_ready(batch, logits));
    return executor_->run(batch, logits);
  }

  Result<StepRun> run_timed(const Batch& batch, std::span<float> logits) override {
    TRY(check_ready(batch, logits));
    return executor_->run_timed(batch, logits);
  }

  uint64_t matrix_bytes(quant::Type type, int64_t n_rows, int64_t n_cols) const override {
    return WeightMatrix::size_bytes(type, n_rows, n_cols, level_);
  }

  std::string description() const override {
    return fmt::format("CPU ({}), {}, {} thread{}", cpu_model_name(), isa_name(level_),
                       pool_.n_threads(), pool_.n_threads() == 1 ? "" : "s");
  }

  std::vector<std::string> slow_paths() const override {
    std::vector<std::string> paths;
    for (const WeightMatrix& matrix : weights_.matrices) {
      const auto path = matrix.slow_path();
      if (path && std::ranges::find(paths, *path) == paths.end()) paths.push_back(*path);
    }
    return paths;
  }

 private:
  // Keeps every product of rows and widths far inside 64 bits.
  static constexpr int32_t kMostRows = 1 << 16;

  Result<void> check_ready(const Batch& batch, std::span<const float> logits) const {
    if (executor_ == nullptr)
      return fail(ErrorCode::kInvalidArgument, "run() before a successful prepare()");
    return check_batch(batch, logits, limits_);
  }

  WorkerPool pool_;
  IsaLevel level_;
  cpu::Weights weights_;
  BatchLimits limits_{};
  std::unique_ptr<cpu::Executor> executor_;
};

}  // namespace

std::unique_ptr<Backend> make_cpu_backend(const CpuOptions& options) {
  return std::make_unique<CpuBackend>(options.n_threads > 0 ? options.n_threads
                                                            : usable_physical_cores());
}

}  // namespace hearth::compute
