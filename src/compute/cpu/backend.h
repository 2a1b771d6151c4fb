// The CPU backend: packed weights, kernels picked at run time (base/cpu_features.h), one worker
// pool.
#pragma once

#include <memory>

#include "compute/backend.h"

namespace hearth::compute {

struct CpuOptions {
  int n_threads = 0;  // 0: the physical cores that the process may use
};

std::unique_ptr<Backend> make_cpu_backend(const CpuOptions& options);

}  // namespace hearth::compute
