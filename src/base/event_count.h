// A counter that threads wait on: polled for a while, then slept on in the kernel.
//
// sched_yield() is not among the ways to wait: a thread that yields to another process's gets its
// CPU back a time slice later.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace hearth {

class EventCount {
 public:
  uint32_t value() const { return value_.load(std::memory_order_acquire); }

  // Adds 1 and wakes every sleeper. What was written before is visible to whoever sees it.
  void advance();

  // Returns when value() is no longer `seen`; false if that took longer than `poll` and the thread
  // slept. At most 2^32 - 1 advances may pass unseen.
  bool wait(uint32_t seen, std::chrono::nanoseconds poll);

 private:
  bool is_past(uint32_t seen) const { return value() != seen; }
  bool polls_past(uint32_t seen, std::chrono::nanoseconds poll) const;

  alignas(64) std::atomic<uint32_t> value_{0};
  alignas(64) std::atomic<uint32_t> n_sleepers_{0};
};

}  // namespace hearth
