// Holds a program against the weights that it names, so that running it can only compute.
#pragma once

#include <cstdint>
#include <span>

#include "base/result.h"
#include "compute/backend.h"

namespace hearth::compute {

struct MatrixShape {
  int64_t n_rows;  // a slice
  int64_t n_cols;
  int64_t n_slices;
};

// What a backend has been given so far, by id.
struct WeightShapes {
  std::span<const MatrixShape> matrices;
  std::span<const MatrixShape> tables;
  std::span<const int64_t> vector_sizes;
};

// kInvalidArgument names the operation, what it needs and what it was given: an id out of range,
// widths that do not fit together, a KV layer of another shape, a missing or misplaced LogitsOp.
Result<void> check_program(const Program& program, const WeightShapes& weights, const KvConfig& kv);

// kInvalidFile unless source.data holds exactly n_slices * n_rows rows of n_cols values of its
// type.
Result<void> check_matrix_source(const MatrixSource& source);

// kInvalidArgument for a row count, token, position, sequence or KV block out of range, rows of a
// sequence out of order, or a logits span of the wrong size.
struct BatchLimits {
  int32_t max_rows;
  int32_t n_vocab;
  int32_t n_tokens;  // rows of the embedding table
  int32_t n_blocks;
};
Result<void> check_batch(const Batch& batch, std::span<const float> logits,
                         const BatchLimits& limits);

}  // namespace hearth::compute
