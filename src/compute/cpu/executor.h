// A prepared program: its operations over one workspace, walked by all threads together.
//
// A step enters the worker pool once. Each thread runs every operation's stages in order and meets
// the others at a barrier only where data crosses threads (walk.h); a layer of a dense model costs
// 5 barriers for one row. Work inside a stage is handed out by counters, so who computes what
// varies, but each number is computed by one thread in one order, which makes results the same bits
// for any number of threads and any composition of the batch.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "compute/cpu/workspace.h"

namespace hearth::compute::cpu {

class Executor {
 public:
  // The program has passed check_program. kOutOfMemory with the numbers.
  static Result<std::unique_ptr<Executor>> create(const Program& program, const KvConfig& kv,
                                                  int32_t max_rows,
                                                  std::unique_ptr<Workspace> workspace);

  // The batch has passed check_batch. kNonFinite names the first row with a bad logit.
  Result<void> run(const Batch& batch, std::span<float> logits);
  // The same, timed.
  Result<StepRun> run_timed(const Batch& batch, std::span<float> logits);

 private:
  void begin_step(const Batch& batch, float* logits);
  void turn_ropes(Walk& walk) const;
  Result<void> check_logits() const;

  std::unique_ptr<Workspace> workspace_;
  std::vector<std::unique_ptr<Operation>> operations_;
  std::vector<WorkCounter> counters_;
};

}  // namespace hearth::compute::cpu
