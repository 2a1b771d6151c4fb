#include "base/worker_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <ctime>
#include <functional>
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

TEST(WorkerPool, runs_of_a_counter_hand_out_every_index_once) {
  WorkerPool pool(3);
  for (const int64_t n : {0, 1, 5, 6, 7, 10'000}) {
    WorkCounter counter;
    std::vector<std::atomic<int>> taken(static_cast<size_t>(n));
    pool.run([&](int) {
      while (true) {
        const WorkCounter::Run run = counter.take_run(n, 3);
        if (run.begin == run.end) break;
        for (int64_t i = run.begin; i < run.end; ++i) taken[static_cast<size_t>(i)]++;
      }
    });
    for (const auto& count : taken) ASSERT_EQ(count.load(), 1) << n;
  }
}

TEST(WorkerPool, runs_of_a_counter_start_at_half_a_share_and_end_at_one) {
  WorkCounter counter;
  std::vector<int64_t> sizes;
  for (WorkCounter::Run run = counter.take_run(100, 2); run.begin < run.end;
       run = counter.take_run(100, 2))
    sizes.push_back(run.end - run.begin);
  EXPECT_EQ(sizes.front(), 25);
  EXPECT_EQ(sizes.back(), 1);
  EXPECT_TRUE(std::ranges::is_sorted(sizes, std::greater<>()));
  EXPECT_LT(sizes.size(), 20u);
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
