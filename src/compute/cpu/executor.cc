#include "compute/cpu/executor.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "compute/cpu/tiling.h"

namespace hearth::compute::cpu {
namespace {

constexpr size_t kCountersPerOperation = 4;
// Queries (rows times heads of a KV head) that share each conversion of a KV block, and the most
// rows of them.
constexpr int32_t kQueriesPerGroup = 64;
constexpr int32_t kMostRowsPerGroup = 32;

Result<void> make_buffers(const Program& program, Workspace& workspace) {
  int64_t widest = 1;
  for (const int32_t width : program.buffer_widths) {
    float* data = TRY(workspace.allocate(
        workspace.max_rows * width,
        fmt::format("an activation buffer of {} rows of {}", workspace.max_rows, width)));
    workspace.buffers.push_back({.data = data, .width = width});
    widest = std::max<int64_t>(widest, width);
  }
  for (const WeightMatrix& matrix : workspace.weights.matrices)
    widest = std::max(widest, matrix.n_cols());
  widest = (widest + 15) / 16 * 16;
  for (int thread = 0; thread < workspace.n_threads(); ++thread) {
    float* memory = TRY(workspace.allocate(widest + 2 * kTileFloats, "scratch memory of a thread"));
    workspace.threads.push_back(
        {.row = memory, .tile = {memory + widest, memory + widest + kTileFloats}});
  }
  return {};
}

Result<void> make_ropes(const Program& program, Workspace& workspace) {
  for (const Rope& rope : program.ropes) {
    const auto n_pairs = static_cast<int64_t>(rope.inverse_frequency.size());
    float* tables = TRY(workspace.allocate(2 * workspace.max_rows * n_pairs, "a rope's tables"));
    workspace.ropes.push_back({.rope = rope,
                               .n_pairs = n_pairs,
                               .cosine = tables,
                               .sine = tables + workspace.max_rows * n_pairs});
  }
  return {};
}

int32_t rows_per_group(const Program& program) {
  int32_t most_heads = 1;
  for (const Op& op : program.ops) {
    if (const auto* attention = std::get_if<AttentionOp>(&op))
      most_heads = std::max(most_heads, attention->n_heads / attention->n_kv_heads);
  }
  return std::clamp(kQueriesPerGroup / most_heads, 1, kMostRowsPerGroup);
}

int32_t most_used_experts(const Program& program) {
  int32_t most = 0;
  for (const Op& op : program.ops) {
    if (const auto* moe = std::get_if<MoeOp>(&op)) most = std::max(most, moe->n_used);
  }
  return most;
}

// By operation; `seconds` of the whole is left to the caller.
StepRun mean_of(const std::vector<StepClock>& clocks) {
  StepRun mean{.seconds = 0, .ops = std::vector<OpRun>(clocks.front().runs().size() - 1)};
  const auto n = static_cast<double>(clocks.size());
  for (const StepClock& clock : clocks) {
    for (size_t i = 0; i < mean.ops.size(); ++i) {
      mean.ops[i].seconds += clock.runs()[i + 1].seconds / n;
      mean.ops[i].waited_seconds += clock.runs()[i + 1].waited_seconds / n;
    }
  }
  return mean;
}

}  // namespace

Result<std::unique_ptr<Executor>> Executor::create(const Program& program, const KvConfig& kv,
                                                   int32_t max_rows,
                                                   std::unique_ptr<Workspace> workspace) {
  auto executor = std::make_unique<Executor>();
  workspace->max_rows = max_rows;
  workspace->n_vocab = program.n_vocab;
  workspace->rows_per_group = rows_per_group(program);
  workspace->most_used_experts = most_used_experts(program);
  workspace->max_positions = int64_t{kv.n_blocks} * kKvBlockTokens;
  workspace->cache = TRY(KvCache::create(kv, workspace->level));
  workspace->step.wanted.reserve(static_cast<size_t>(max_rows));
  workspace->step.groups.reserve(static_cast<size_t>(max_rows));
  TRY(make_buffers(program, *workspace));
  TRY(make_ropes(program, *workspace));
  for (const Op& op : program.ops) {
    executor->operations_.push_back(
        TRY(std::visit([&](const auto& o) { return make_operation(o, *workspace); }, op)));
  }
  TRY(workspace->allocate_shared());
  executor->counters_ = std::vector<WorkCounter>(program.ops.size() * kCountersPerOperation);
  executor->workspace_ = std::move(workspace);
  return executor;
}

void Executor::begin_step(const Batch& batch, float* logits) {
  Step& step = workspace_->step;
  step.batch = batch;
  step.n_rows = static_cast<int64_t>(batch.rows.size());
  step.logits = logits;
  step.first_bad_row = INT64_MAX;
  step.wanted.clear();
  step.groups.clear();
  for (int32_t r = 0; r < static_cast<int32_t>(step.n_rows); ++r) {
    const Row& row = step.row(r);
    if (row.wants_logits) step.wanted.push_back(r);
    const bool joins = r > 0 && step.row(r - 1).sequence == row.sequence &&
                       step.groups.back().n < workspace_->rows_per_group;
    if (!joins) step.groups.push_back({r, 0, row.position, row.position});
    ++step.groups.back().n;
    step.groups.back().last_position = row.position;
  }
  workspace_->reset_rows(RowSpace::kBatch, step.n_rows);
  workspace_->reset_rows(RowSpace::kLogits, static_cast<int64_t>(step.wanted.size()));
  workspace_->reset_rows(RowSpace::kExperts, step.n_rows * workspace_->most_used_experts);
  for (WorkCounter& counter : counters_) counter.reset();
}

void Executor::turn_ropes(Walk& walk) const {
  walk.enter(Stage::kRows);
  const Range rows = walk.share(workspace_->step.n_rows);
  for (const RopeTable& table : workspace_->ropes) {
    for (int64_t r = rows.begin; r < rows.end; ++r) {
      const auto position = static_cast<float>(workspace_->step.row(r).position);
      for (int64_t i = 0; i < table.n_pairs; ++i) {
        const float angle = position * table.rope.inverse_frequency[static_cast<size_t>(i)];
        table.cosine[r * table.n_pairs + i] = std::cos(angle) * table.rope.magnitude;
        table.sine[r * table.n_pairs + i] = std::sin(angle) * table.rope.magnitude;
      }
    }
  }
}

Result<void> Executor::run(const Batch& batch, std::span<float> logits) {
  begin_step(batch, logits.data());
  workspace_->pool.run([this](int thread) {
    Walk walk(workspace_->pool, thread, counters_);
    turn_ropes(walk);
    for (const auto& operation : operations_) operation->run(walk);
  });
  return check_logits();
}

Result<StepRun> Executor::run_timed(const Batch& batch, std::span<float> logits) {
  const StepClock::Time::time_point begin = StepClock::Time::now();
  std::vector<StepClock> clocks(static_cast<size_t>(workspace_->n_threads()),
                                StepClock(begin, operations_.size()));
  begin_step(batch, logits.data());
  workspace_->pool.run([&](int thread) {
    StepClock& clock = clocks[static_cast<size_t>(thread)];
    Walk walk(workspace_->pool, thread, counters_, &clock);
    turn_ropes(walk);
    for (size_t i = 0; i < operations_.size(); ++i) {
      clock.announce(i);
      operations_[i]->run(walk);
    }
    walk.barrier();
    clock.end();
  });
  StepRun run = mean_of(clocks);
  run.seconds = std::chrono::duration<double>(StepClock::Time::now() - begin).count();
  for (size_t i = 0; i < operations_.size(); ++i)
    run.ops[i].n_experts = operations_[i]->n_experts();
  TRY(check_logits());
  return run;
}

Result<void> Executor::check_logits() const {
  const Step& step = workspace_->step;
  const int64_t bad = step.first_bad_row;
  if (bad == INT64_MAX) return {};
  const int32_t row = step.wanted[static_cast<size_t>(bad)];
  return fail(ErrorCode::kNonFinite,
              fmt::format("the logits of row {} (position {} of sequence {}) are not finite: the "
                          "model's weights or the cache hold NaN or infinity",
                          row, step.row(row).position, step.row(row).sequence));
}

}  // namespace hearth::compute::cpu
