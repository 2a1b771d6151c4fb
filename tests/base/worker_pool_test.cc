#include "base/worker_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <ctime>
#include <thread>
#include <vector>

namespace hearth {
namespace {

TEST(WorkerPool, every_thread_runs_once_a_call) {
  for (const int n : {1, 2, 5}) {
    WorkerPool pool(n);
    std::vector<int> calls(static_cast<size_t>(n));
    for (int i = 0; i < 1000; ++i)
      pool.run([&](int thread) { ++calls[static_cast<size_t>(thread)]; });
    EXPECT_EQ(std::ranges::count(calls, 1000), n);
  }
}

TEST(WorkerPool, nobody_passes_a_barrier_before_all_have_come) {
  WorkerPool pool(4);
  constexpr int kStages = 500;
  std::atomic<int> arrived{0};
  std::atomic<int> early{0};
  pool.run([&](int) {
    for (int stage = 1; stage <= kStages; ++stage) {
      arrived.fetch_add(1);
      pool.barrier();
      if (arrived.load() < stage * 4) early.fetch_add(1);
      pool.barrier();
    }
  });
  EXPECT_EQ(early.load(), 0);
}

TEST(WorkerPool, a_counter_hands_out_every_index_once) {
  WorkerPool pool(3);
  WorkCounter counter;
  std::vector<std::atomic<int>> taken(10'000);
  pool.run([&](int) {
    for (int64_t i; (i = counter.take(7)) < 10'000;) {
      for (int64_t j = i; j < std::min<int64_t>(i + 7, 10'000); ++j)
        taken[static_cast<size_t>(j)]++;
    }
  });
  for (const auto& n : taken) ASSERT_EQ(n.load(), 1);
}

TEST(WorkerPool, an_idle_pool_costs_no_cpu) {
  WorkerPool pool(4);
  pool.run([](int) {});
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  const std::clock_t before = std::clock();
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  EXPECT_LT(static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC, 0.05);
}

}  // namespace
}  // namespace hearth
