#include "base/worker_pool.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <system_error>
#include <thread>
#include <vector>

#include "base/event_count.h"
#include "base/log.h"

namespace hearth {
namespace {

using Clock = std::chrono::steady_clock;

// Longer than any wait between two stages of a step whose threads all run.
constexpr std::chrono::microseconds kPoll{50};
// Whoever waits for a thread that has lost its CPU only keeps a CPU busy, perhaps the one that the
// other needs. A wait beyond kPoll is the sign of it, and such signs come in numbers: for a while
// waits are slept. Two threads beside one busy process on two cores generate twice the tokens so.
constexpr std::chrono::microseconds kCrowdedPoll{2};
constexpr std::chrono::milliseconds kCrowdedFor{5};

}  // namespace

struct WorkerPool::State {
  std::vector<std::thread> threads;
  const std::function<void(int)>* work = nullptr;
  bool stopping = false;
  EventCount calls;                         // of run()
  EventCount returns;                       // of run()
  EventCount barriers;                      // completed
  alignas(64) std::atomic<int> running{0};  // workers still inside the current call
  alignas(64) std::atomic<int> arrived{0};  // threads waiting in the barrier
  alignas(64) std::atomic<Clock::time_point> crowded_until{Clock::time_point::min()};

  void wait_for_others(EventCount& event, uint32_t seen);
};

// For threads that run, or are about to.
void WorkerPool::State::wait_for_others(EventCount& event, uint32_t seen) {
  const Clock::time_point begin = Clock::now();
  const bool is_crowded = begin < crowded_until.load(std::memory_order_relaxed);
  if (event.wait(seen, is_crowded ? kCrowdedPoll : kPoll)) return;
  const Clock::time_point end = Clock::now();
  if (end - begin > kPoll) crowded_until.store(end + kCrowdedFor, std::memory_order_relaxed);
}

WorkerPool::WorkerPool(int n_threads) : n_threads_(1), state_(std::make_unique<State>()) {
  n_threads = std::clamp(n_threads, 1, 1024);
  state_->threads.reserve(static_cast<size_t>(n_threads));
  for (int thread = 1; thread < n_threads; ++thread) {
    try {
      state_->threads.emplace_back([this, thread] { worker_loop(thread); });
      ++n_threads_;
    } catch (const std::system_error& refused) {
      log_warning("only {} of {} threads could be started: {}", n_threads_, n_threads,
                  refused.what());
      break;
    }
  }
}

WorkerPool::~WorkerPool() {
  state_->stopping = true;
  state_->calls.advance();
  for (std::thread& thread : state_->threads) thread.join();
}

void WorkerPool::worker_loop(int thread) {
  for (uint32_t seen = 0;; ++seen) {
    state_->calls.wait(seen, kPoll);
    if (state_->stopping) return;
    (*state_->work)(thread);
    if (state_->running.fetch_sub(1, std::memory_order_acq_rel) == 1) state_->returns.advance();
  }
}

void WorkerPool::run(const std::function<void(int)>& work) {
  if (n_threads_ == 1) return work(0);
  state_->work = &work;
  state_->running.store(n_threads_ - 1, std::memory_order_relaxed);
  const uint32_t returns = state_->returns.value();
  state_->calls.advance();
  work(0);
  state_->wait_for_others(state_->returns, returns);
}

void WorkerPool::barrier() {
  if (n_threads_ == 1) return;
  const uint32_t seen = state_->barriers.value();
  if (state_->arrived.fetch_add(1, std::memory_order_acq_rel) == n_threads_ - 1) {
    state_->arrived.store(0, std::memory_order_relaxed);
    state_->barriers.advance();
    return;
  }
  state_->wait_for_others(state_->barriers, seen);
}

}  // namespace hearth
