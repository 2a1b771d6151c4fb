// Times a loaded model on workloads, step by step.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "base/result.h"
#include "compute/batch.h"
#include "lab/workload.h"
#include "models/model.h"

namespace hearth::lab {

using IsCancelled = std::function<bool()>;  // asked between steps; empty: never

// One thread at a time. Each sequence has KV blocks of its own.
class StepTimer {
 public:
  explicit StepTimer(models::Model& model);  // must outlive the timer

  // kContextExceeded with the numbers if the model's cache is too small for the work.
  Result<void> check_fits(const Workload& work) const;

  // Seconds that the work took. Before it, untimed: the cache is filled up to its depth, as far as
  // earlier work has not done so, and the last position before it is computed once more, so that
  // whatever ran meanwhile leaves no cold start to be timed. Errors of check_fits(); kCancelled.
  Result<double> time(const Workload& work, const IsCancelled& is_cancelled);

  // The same work, and where the time of each of its steps went.
  Result<std::vector<compute::StepProfile>> profile(const Workload& work,
                                                    const IsCancelled& is_cancelled);

  // Of the last timed step: [n_sequences, n_vocab].
  std::span<const float> last_logits() const { return logits_; }

 private:
  struct Cached {
    std::vector<int32_t> blocks;
    int32_t length = 0;  // positions that hold what bench_token() says
  };

  Result<void> warm_up(const Workload& work, const IsCancelled& is_cancelled);
  Result<void> make_room(const Workload& work);
  Result<void> fill(int32_t sequence, int32_t length, const IsCancelled& is_cancelled);
  Result<void> run_work(const Workload& work, const IsCancelled& is_cancelled);
  // One row of each of the first n_sequences sequences, with logits.
  Result<void> step(int32_t position, int32_t n_sequences);
  Result<void> run_rows();
  void add_row(int32_t sequence, int32_t position, bool wants_logits);

  models::Model& model_;
  std::vector<Cached> sequences_;
  int32_t n_used_blocks_ = 0;
  std::vector<std::span<const int32_t>> tables_;  // the blocks of sequences_
  std::vector<compute::Row> rows_;
  std::vector<float> logits_;
  std::vector<compute::StepProfile>* profiles_ = nullptr;  // of steps that are not to be just run
};

}  // namespace hearth::lab
