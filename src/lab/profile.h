// Where the time of a workload's steps goes, operation by operation, beside what the machine could
// do.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "lab/step_timer.h"
#include "lab/workload.h"
#include "models/model.h"
#include "quant/type.h"

namespace hearth::lab {

// What this machine gives at most, in the run that is compared with it.
struct Limits {
  double read_bytes_per_s = 0;               // memory_bandwidth.h
  std::map<quant::Type, double> macs_per_s;  // product_rate.h; no entry: not known
};

enum class Bound { kNone, kReading, kProducts };

// One operation, or those of one kind on weights of one role and type. All figures are of one step,
// the mean over the steps.
struct ProfileLine {
  std::string operation;  // "qkv", "linear"; "start": what comes before the first
  std::string weights;    // "ffn_gate, ffn_up"; of a single operation with the layer
  std::string types;      // "Q4_K, Q6_K"
  double n_ops = 0;
  double seconds = 0;         // the mean over the threads
  double waited_seconds = 0;  // of those, at barriers
  double bytes = 0;           // of weights and cache, each read once
  double macs = 0;
  // The least seconds that the limits allow, and which of the two it is: reading the bytes, or the
  // products. kNone where neither is done, or where products decide whose rate is not known, as
  // those of attention in a prompt.
  Bound bound = Bound::kNone;
  double bound_seconds = 0;
};

// Figures of one step, the mean over n_steps.
struct Profile {
  Workload work;
  int32_t n_steps = 0;
  double seconds = 0;
  double unprofiled_seconds = 0;   // of the same work just run; the median of as many repeats
  std::vector<ProfileLine> lines;  // longest first, or in the program's order; they sum to a step
};

enum class Detail { kKinds, kOperations };

struct ProfileOptions {
  Limits limits = {};
  Detail detail = Detail::kKinds;
  int32_t n_repeats = 5;  // at least 1
  IsCancelled is_cancelled = {};
};

// Of n_repeats profiled repeats, each followed by one just run, the one of median time. Errors of
// StepTimer.
Result<Profile> profile_work(StepTimer& timer, const Workload& work, const ProfileOptions& options);

// The bandwidth, and the product rate of every type that the model multiplies with.
Result<Limits> measure_limits(StepTimer& timer, int n_threads);

}  // namespace hearth::lab
