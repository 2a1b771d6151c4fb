// Where one thread's time in a step goes, operation by operation. An operation begins where its
// first stage does: the barrier before that still waits for the work of the one before.
#pragma once

#include <chrono>
#include <cstddef>
#include <vector>

#include "compute/step_profile.h"

namespace hearth::compute::cpu {

class alignas(64) StepClock {  // a cache line of its own
 public:
  using Time = std::chrono::steady_clock;

  // Entry 0 is the step's start, entry i + 1 operation i.
  StepClock(Time::time_point begin, size_t n_operations) : last_(begin), runs_(n_operations + 1) {}

  void announce(size_t operation) { next_ = operation + 1; }
  // Of the operation announced; of its later stages too.
  void begin_stage() {
    if (next_ != current_) charge();
    current_ = next_;
  }
  void wait(auto&& barrier) {
    const Time::time_point begin = Time::now();
    barrier();
    runs_[current_].waited_seconds += seconds(begin, Time::now());
  }
  void end() { charge(); }

  const std::vector<OpRun>& runs() const { return runs_; }

 private:
  static double seconds(Time::time_point begin, Time::time_point end) {
    return std::chrono::duration<double>(end - begin).count();
  }
  void charge() {
    const Time::time_point now = Time::now();
    runs_[current_].seconds += seconds(last_, now);
    last_ = now;
  }

  Time::time_point last_;
  std::vector<OpRun> runs_;
  size_t current_ = 0, next_ = 0;
};

}  // namespace hearth::compute::cpu
