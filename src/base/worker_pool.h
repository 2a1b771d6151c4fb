// A fixed set of threads that run one function together, and the barrier between its stages.
//
// Threads that wait poll for 50 us, then sleep: an idle pool costs no CPU. While other work takes
// the pool's CPUs, or the pool has more threads than there are CPUs, they sleep at once. The caller
// is worker 0. One call of run() at a time; run() is not reentrant.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>

namespace hearth {

class WorkerPool {
 public:
  // n_threads >= 1; threads that the system refuses to start are left out (see n_threads()).
  explicit WorkerPool(int n_threads);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  int n_threads() const { return n_threads_; }

  // Calls work(thread) once on each thread, thread in [0, n_threads), and returns when all are
  // done. What the caller wrote before is visible to every worker, and what they wrote to the
  // caller.
  void run(const std::function<void(int thread)>& work);

  // Inside run(): every thread must call it; none goes on before all have come. Full memory
  // ordering.
  void barrier();

 private:
  struct State;
  void worker_loop(int thread);

  int n_threads_;
  std::unique_ptr<State> state_;
};

// Hands out [0, n) in chunks to whichever thread asks next. Reset between uses while no thread
// takes.
class WorkCounter {
 public:
  void reset() { next_.store(0, std::memory_order_relaxed); }
  // First index of the next chunk; >= n when the work is out.
  int64_t take(int64_t chunk) { return next_.fetch_add(chunk, std::memory_order_relaxed); }

  struct Run {
    int64_t begin, end;
  };
  // The next run of [0, n), empty when the work is out. Runs start at a half of an even share and
  // end at one (guided self-scheduling, Polychronopoulos and Kuck 1987): few jumps for each
  // thread, and no long wait for the last. Not to be mixed with take().
  Run take_run(int64_t n, int n_threads) {
    int64_t begin = next_.load(std::memory_order_relaxed), end;
    do {
      if (begin >= n) return {n, n};
      end = begin + std::max<int64_t>(1, (n - begin) / (2 * n_threads));
    } while (!next_.compare_exchange_weak(begin, end, std::memory_order_relaxed));
    return {begin, end};
  }

 private:
  alignas(64) std::atomic<int64_t> next_{0};
};

}  // namespace hearth
