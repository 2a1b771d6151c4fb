// One thread's way through the stages of a step, with a barrier only where data crosses threads.
//
// Every thread enters the same stages in the same order. A stage is one of:
//   kRows       each thread handles its own share of the batch's rows, and nothing of another's;
//   kRedundant  each thread computes the same into memory of its own;
//   kShared     anything else: items taken from a counter, or work that reads other threads'
//   results.
// Between two kRows stages, and from kRedundant to kShared, no thread needs another's result, so
// there is no barrier; everywhere else there is one. A kRedundant stage whose input the following
// kShared stage overwrites needs a barrier of its own.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include "base/check.h"
#include "base/worker_pool.h"
#include "compute/cpu/step_clock.h"

namespace hearth::compute::cpu {

enum class Stage { kRows, kRedundant, kShared };

struct Range {
  int64_t begin, end;
};

class Walk {
 public:
  // clock: this thread's, or null for a step that is not timed.
  Walk(WorkerPool& pool, int thread, std::span<WorkCounter> counters, StepClock* clock = nullptr)
      : pool_(pool), thread_(thread), counters_(counters), clock_(clock) {}

  int thread() const { return thread_; }
  int n_threads() const { return pool_.n_threads(); }

  void enter(Stage stage) {
    const bool flows = (last_ == Stage::kRows && stage == Stage::kRows) ||
                       (last_ == Stage::kRedundant && stage == Stage::kShared);
    if (!is_first_ && !flows) barrier();
    if (clock_ != nullptr) clock_->begin_stage();
    is_first_ = false;
    last_ = stage;
  }
  void barrier() {
    if (clock_ == nullptr) return pool_.barrier();
    clock_->wait([this] { pool_.barrier(); });
  }

  // This thread's contiguous share of [0, n); a single item is thread 0's.
  Range share(int64_t n) const {
    const int64_t count = n_threads(), before = n * thread_, after = before + n;
    return {(before + count - 1) / count, (after + count - 1) / count};
  }

  // A counter that no stage of this step has used, the same on every thread.
  WorkCounter& next_counter() {
    CHECK(n_counters_ < counters_.size());
    return counters_[n_counters_++];
  }

 private:
  WorkerPool& pool_;
  int thread_;
  std::span<WorkCounter> counters_;
  StepClock* clock_;
  size_t n_counters_ = 0;
  Stage last_ = Stage::kShared;
  bool is_first_ = true;
};

}  // namespace hearth::compute::cpu
