#include "base/worker_pool.h"

#include <hwloc.h>
#include <sched.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "base/log.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace hearth {
namespace {

void spin_pause() {
#if defined(__x86_64__)
  _mm_pause();
#else
  std::this_thread::yield();
#endif
}

// CPUs that the cgroup's quota is worth, or a large number without a quota (cgroup v2 and v1).
int cgroup_cpus() {
  std::ifstream v2("/sys/fs/cgroup/cpu.max");
  std::string quota;
  double period = 0;
  if (v2 >> quota >> period && quota != "max" && period > 0) {
    return std::max(1, static_cast<int>(std::floor(std::atof(quota.c_str()) / period)));
  }
  std::ifstream v1_quota("/sys/fs/cgroup/cpu/cpu.cfs_quota_us");
  std::ifstream v1_period("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
  double quota_us = -1;
  if (v1_quota >> quota_us && v1_period >> period && quota_us > 0 && period > 0) {
    return std::max(1, static_cast<int>(std::floor(quota_us / period)));
  }
  return 1 << 20;
}

int bound_physical_cores() {
  hwloc_topology_t topology;
  if (hwloc_topology_init(&topology) != 0) return 0;
  int cores = 0;
  if (hwloc_topology_load(topology) == 0) {
    hwloc_bitmap_t bound = hwloc_bitmap_alloc();
    if (hwloc_get_cpubind(topology, bound, HWLOC_CPUBIND_PROCESS) == 0) {
      hwloc_obj_t core = nullptr;
      while ((core = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_CORE, core)) != nullptr) {
        if (hwloc_bitmap_intersects(core->cpuset, bound)) ++cores;
      }
    }
    hwloc_bitmap_free(bound);
  }
  hwloc_topology_destroy(topology);
  return cores;
}

// About 50 us on the machines at hand: longer than any gap between two stages of a step,
// shorter than what a sleeping thread costs anybody.
constexpr int kSpinsBeforeSleep = 2000;

}  // namespace

int usable_physical_cores() {
  int cores = bound_physical_cores();
  if (cores == 0) {
    cpu_set_t set;
    cores = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
  }
  return std::max(1, std::min(cores, cgroup_cpus()));
}

struct WorkerPool::State {
  std::vector<std::thread> threads;
  const std::function<void(int)>* work = nullptr;
  bool stopping = false;
  alignas(64) std::atomic<uint32_t> generation{0};  // counts calls of run()
  alignas(64) std::atomic<int> running{0};          // workers still inside the current call
  alignas(64) std::atomic<int> arrived{0};          // threads waiting in the barrier
  alignas(64) std::atomic<uint32_t> phase{0};       // counts completed barriers
};

namespace {

// Waits until `word` differs from `old`: spins, then sleeps in the kernel.
void wait_for_change(const std::atomic<uint32_t>& word, uint32_t old) {
  for (int i = 0; i < kSpinsBeforeSleep; ++i) {
    if (word.load(std::memory_order_acquire) != old) return;
    spin_pause();
  }
  while (word.load(std::memory_order_acquire) == old) word.wait(old, std::memory_order_acquire);
}

}  // namespace

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
  state_->generation.fetch_add(1, std::memory_order_release);
  state_->generation.notify_all();
  for (std::thread& thread : state_->threads) thread.join();
}

void WorkerPool::worker_loop(int thread) {
  uint32_t seen = 0;
  for (;;) {
    wait_for_change(state_->generation, seen);
    ++seen;
    if (state_->stopping) return;
    (*state_->work)(thread);
    if (state_->running.fetch_sub(1, std::memory_order_acq_rel) == 1) state_->running.notify_one();
  }
}

void WorkerPool::run(const std::function<void(int)>& work) {
  if (n_threads_ == 1) return work(0);
  state_->work = &work;
  state_->running.store(n_threads_ - 1, std::memory_order_relaxed);
  state_->generation.fetch_add(1, std::memory_order_release);
  state_->generation.notify_all();
  work(0);
  for (int i = 0; i < kSpinsBeforeSleep; ++i) {
    if (state_->running.load(std::memory_order_acquire) == 0) return;
    spin_pause();
  }
  for (int left; (left = state_->running.load(std::memory_order_acquire)) != 0;) {
    state_->running.wait(left, std::memory_order_acquire);
  }
}

void WorkerPool::barrier() {
  if (n_threads_ == 1) return;
  const uint32_t phase = state_->phase.load(std::memory_order_acquire);
  if (state_->arrived.fetch_add(1, std::memory_order_acq_rel) == n_threads_ - 1) {
    state_->arrived.store(0, std::memory_order_relaxed);
    state_->phase.fetch_add(1, std::memory_order_release);
    state_->phase.notify_all();
    return;
  }
  wait_for_change(state_->phase, phase);
}

}  // namespace hearth
