// -p, -n, -d and -b of the commands that time workloads, and the cache that those need.
#pragma once

#include <CLI/CLI.hpp>
#include <vector>

#include "base/result.h"
#include "cli/open_model.h"
#include "lab/workload.h"

namespace hearth::cli {

// The lists' values are the defaults.
void add_workload_options(CLI::App& command, lab::WorkloadLists& lists);

// Sets the context, unless the user has, and the cache. kInvalidArgument beyond what any may be.
Result<void> size_cache(const std::vector<lab::Workload>& works, ModelOptions& model);

}  // namespace hearth::cli
