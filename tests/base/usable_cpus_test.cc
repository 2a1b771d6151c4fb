#include "base/usable_cpus.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <climits>
#include <filesystem>
#include <fstream>
#include <thread>

namespace hearth {
namespace {

class QuotaCpus : public testing::Test {
 protected:
  ~QuotaCpus() override { std::filesystem::remove_all(root_); }

  void write(const std::string& path, const std::string& text) const {
    const std::filesystem::path file = root_ + path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  int cpus() const { return quota_cpus(root_); }

 private:
  const std::string root_ = testing::TempDir() + "hearth_quota_" + std::to_string(getpid()) + "_" +
                            testing::UnitTest::GetInstance()->current_test_info()->name();
};

TEST_F(QuotaCpus, none_without_groups) { EXPECT_EQ(cpus(), INT_MAX); }

TEST_F(QuotaCpus, the_least_of_a_group_and_those_above_it) {
  write("/proc/self/cgroup", "0::/system.slice/a.service\n");
  write("/sys/fs/cgroup/system.slice/a.service/cpu.max", "max 100000\n");
  EXPECT_EQ(cpus(), INT_MAX);
  write("/sys/fs/cgroup/system.slice/cpu.max", "350000 100000\n");
  EXPECT_EQ(cpus(), 3);
  write("/sys/fs/cgroup/system.slice/a.service/cpu.max", "50000 100000\n");
  EXPECT_EQ(cpus(), 1);
}

TEST_F(QuotaCpus, groups_of_version_1) {
  write("/proc/self/cgroup", "5:cpuset:/x\n4:cpu,cpuacct:/docker/1f\n0::/\n");
  write("/sys/fs/cgroup/cpu/docker/1f/cpu.cfs_quota_us", "-1\n");
  write("/sys/fs/cgroup/cpu/docker/1f/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(cpus(), INT_MAX);
  write("/sys/fs/cgroup/cpu/docker/1f/cpu.cfs_quota_us", "400000\n");
  EXPECT_EQ(cpus(), 4);
}

TEST_F(QuotaCpus, nonsense_is_no_quota) {
  write("/proc/self/cgroup", "x\n:\n0::/\n");
  for (const char* text : {"", "1", "-5 100000", "100000 0", "nan nan"}) {
    write("/sys/fs/cgroup/cpu.max", text);
    EXPECT_EQ(cpus(), INT_MAX) << text;
  }
}

TEST(UsableCpus, are_those_that_the_thread_is_bound_to) {
  EXPECT_GE(usable_cpus(), usable_physical_cores());
  std::thread bound([] {
    cpu_set_t set;
    ASSERT_EQ(sched_getaffinity(0, sizeof set, &set), 0);
    int cpu = 0;
    while (!CPU_ISSET(cpu, &set)) ++cpu;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    ASSERT_EQ(sched_setaffinity(0, sizeof set, &set), 0);
    EXPECT_EQ(usable_cpus(), 1);
    EXPECT_EQ(usable_physical_cores(), 1);
  });
  bound.join();
}

}  // namespace
}  // namespace hearth
