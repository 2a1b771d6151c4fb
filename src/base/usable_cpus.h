// How many threads can run at once: the CPUs of the machine, the process's affinity and the quotas
// of its cgroups. At least 1.
#pragma once

#include <string>

namespace hearth {

// CPUs that threads of this process can keep busy. More threads only take turns.
int usable_cpus();

// The same in cores: one of the threads that share a core counts.
int usable_physical_cores();

// The CPUs that the quotas of this process's cgroups are worth, rounded down, at least 1; INT_MAX
// without a quota. Reads proc/self/cgroup and sys/fs/cgroup under `root`; "" is the machine's.
int quota_cpus(const std::string& root);

}  // namespace hearth
