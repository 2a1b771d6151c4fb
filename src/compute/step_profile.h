// Where the time of a step went, and what work it was: one entry an operation of the program.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "quant/type.h"

namespace hearth::compute {

// How an operation ran. Means over the threads, so that the operations of a step add up to it.
struct OpRun {
  double seconds = 0;         // up to the barrier behind it, if there is one
  double waited_seconds = 0;  // of those, at barriers
  int64_t n_experts = 0;      // of a MoeOp: how many its rows used
};

struct StepRun {
  double seconds = 0;      // of the whole step
  std::vector<OpRun> ops;  // they take `seconds` but for the step's start
};

// What an operation takes of a matrix or table.
struct WeightWork {
  std::string name;  // the tensor's
  quant::Type type;
  uint64_t bytes;  // read, in the backend's layout, if each weight is read once in the step
  uint64_t macs;   // multiply-adds; 0 of a table
};

struct OpProfile {
  std::string_view kind;  // "embed", "qkv", "attention", "linear", "gated", "residual", "experts",
                          // "logits"
  std::vector<WeightWork> weights;  // in the order of the operation's fields
  // Of attention: the cache's bytes if each position that neighbouring rows of a sequence see is
  // read once, and the multiply-adds of queries with keys and of scores with values.
  uint64_t kv_bytes = 0;
  uint64_t attention_macs = 0;
  OpRun run;
};

struct StepProfile {
  double seconds = 0;
  std::vector<OpProfile> ops;
};

}  // namespace hearth::compute
