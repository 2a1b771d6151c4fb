// The work of a program's steps: how many bytes and multiply-adds each operation takes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "compute/backend.h"
#include "compute/batch.h"
#include "compute/program.h"
#include "compute/step_profile.h"

namespace hearth::compute {

// A matrix or table that a backend has.
struct WeightFacts {
  std::string name;
  quant::Type type;
  int64_t n_rows;  // a slice
  int64_t n_cols;
  uint64_t slice_bytes;  // in the backend's layout
};

class StepWork {
 public:
  StepWork() = default;
  // matrices: by MatrixId, tables: by TableId. The program has passed check_program.
  StepWork(Program program, KvConfig kv, std::vector<WeightFacts> matrices,
           std::vector<WeightFacts> tables);

  // What ran as `run` says. The batch has passed check_batch; run.ops has an entry an operation.
  StepProfile describe(const Batch& batch, const StepRun& run) const;

 private:
  Program program_;
  KvConfig kv_;
  std::vector<WeightFacts> matrices_, tables_;
};

}  // namespace hearth::compute
