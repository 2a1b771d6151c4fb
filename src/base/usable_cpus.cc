#include "base/usable_cpus.h"

#include <hwloc.h>
#include <sched.h>

#include <algorithm>
#include <climits>
#include <fstream>

namespace hearth {
namespace {

int whole_cpus(double quota, double period) {
  if (!(quota > 0) || !(period > 0)) return INT_MAX;
  return static_cast<int>(std::clamp(quota / period, 1.0, double{INT_MAX}));
}

// cgroup v2: "200000 100000", or "max 100000".
int quota_of_group(const std::string& folder) {
  std::ifstream file(folder + "/cpu.max");
  double quota = 0, period = 0;
  return file >> quota >> period ? whole_cpus(quota, period) : INT_MAX;
}

// cgroup v1: a quota of -1 is none.
int quota_of_v1_group(const std::string& folder) {
  std::ifstream quota_file(folder + "/cpu.cfs_quota_us"),
      period_file(folder + "/cpu.cfs_period_us");
  double quota = 0, period = 0;
  return quota_file >> quota && period_file >> period ? whole_cpus(quota, period) : INT_MAX;
}

// Over the group of `path` and every group above it.
int least_quota(const std::string& mount, std::string path, int (*quota)(const std::string&)) {
  int least = INT_MAX;
  for (;;) {
    least = std::min(least, quota(mount + path));
    const size_t slash = path.rfind('/');
    if (path.empty() || slash == std::string::npos) return least;
    path.resize(slash);
  }
}

int bound_cpus() {
  cpu_set_t set;
  return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : INT_MAX;
}

// 0 if the machine's topology cannot be had.
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

}  // namespace

int quota_cpus(const std::string& root) {
  int least = INT_MAX;
  std::ifstream groups(root + "/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    // "0::/path" of v2, "4:cpu,cpuacct:/path" of v1.
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string path = line.substr(second + 1);
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    if (controllers == ",,") {
      least = std::min(least, least_quota(root + "/sys/fs/cgroup", path, quota_of_group));
    } else if (controllers.find(",cpu,") != std::string::npos) {
      least = std::min(least, least_quota(root + "/sys/fs/cgroup/cpu", path, quota_of_v1_group));
    }
  }
  return least;
}

int usable_cpus() { return std::max(1, std::min(bound_cpus(), quota_cpus(""))); }

int usable_physical_cores() {
  const int cores = bound_physical_cores();
  return cores == 0 ? usable_cpus() : std::min(cores, usable_cpus());
}

}  // namespace hearth
