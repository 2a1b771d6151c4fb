// What the operations of one program share: weights, buffers, the KV cache, and scratch memory a
// thread. All of it is allocated when the program is prepared; a step allocates nothing.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "compute/cpu/attention/kernel.h"
#include "compute/cpu/kv_cache.h"
#include "compute/cpu/packed_matrix.h"
#include "compute/cpu/pages.h"
#include "compute/cpu/row_math.h"
#include "compute/cpu/walk.h"
#include "compute/cpu/weight_matrix.h"

namespace hearth::compute::cpu {

struct Weights {
  std::vector<WeightMatrix> matrices;
  std::vector<std::vector<float>> vectors;
  std::vector<MatrixSource> tables;

  const WeightMatrix& matrix(MatrixId id) const { return matrices[static_cast<size_t>(id)]; }
  // Null for kNone.
  const float* vector(VectorId id) const {
    return id == kNone ? nullptr : vectors[static_cast<size_t>(id)].data();
  }
};

struct Buffer {
  float* data;
  int64_t width;
  float* row(int64_t r) const { return data + r * width; }
};

// Which rows an operation's input has: those of the batch, those that want logits, or one for each
// expert that a row of the batch uses.
enum class RowSpace { kBatch, kLogits, kExperts };

// Rows in one rounding, one set of which lives for each shape and space: an operation's rows are
// consumed before the next operation fills them.
struct RoundedRows {
  RoundedRows(RowSpace rows_space, ActivationFormat rows_format, int64_t width, int64_t n_max_rows)
      : space(rows_space), format(rows_format), n_cols(width), rows(n_max_rows, width) {}

  RowSpace space;
  ActivationFormat format;
  int64_t n_cols;
  QuantizedRows rows;                // all rows of the space
  std::deque<QuantizedRows> single;  // by thread, for a space of one row
};

struct ThreadScratch {
  float* row;      // [max_width] a normed row
  float* tile[2];  // [kTileFloats]
};

// Memory that operations use one after the other, each sized for the one that needs most.
enum class Shared {
  kNormed,          // input rows as floats
  kAttention,       // by thread
  kAttentionParts,  // partial states of split queries
  kMoeInput,
  kMoeGathered,
  kMoeHidden,
  kMoeOutput,
};
inline constexpr size_t kSharedCount = 7;

// Cosines and sines of a rope for the rows of the step: [max_rows, n_pairs].
struct RopeTable {
  Rope rope;
  int64_t n_pairs;
  float* cosine;
  float* sine;
};

// Rows [first, first + n) of the batch, of one sequence and consecutive in the batch.
struct RowGroup {
  int32_t first, n;
  int32_t first_position, last_position;
};

// The step at hand.
struct Step {
  Batch batch;
  int64_t n_rows = 0;
  std::vector<int32_t> wanted;   // rows of the batch that want logits
  std::vector<RowGroup> groups;  // the batch cut into groups of up to rows_per_group
  float* logits = nullptr;
  std::atomic<int64_t> first_bad_row{0};  // of `wanted`: the first with a non-finite logit

  const Row& row(int64_t r) const { return batch.rows[static_cast<size_t>(r)]; }
  std::span<const int32_t> block_table(const Row& row) const {
    return batch.block_tables[static_cast<size_t>(row.sequence)];
  }
};

class Workspace {
 public:
  Workspace(const Weights& given_weights, WorkerPool& given_pool, IsaLevel given_level)
      : weights(given_weights),
        pool(given_pool),
        level(given_level),
        math(row_math(given_level)),
        attention(attention_kernels(given_level)) {}

  const Weights& weights;
  WorkerPool& pool;
  const IsaLevel level;
  const RowMath& math;
  const AttentionKernels& attention;

  int64_t max_rows = 0;
  int32_t n_vocab = 0;
  int32_t most_used_experts = 0;  // by a row, in any MoeOp
  std::vector<Buffer> buffers;
  std::vector<RopeTable> ropes;
  KvCache cache;
  int64_t max_positions = 0;  // that the cache holds in all
  std::vector<ThreadScratch> threads;
  int32_t rows_per_group = 1;
  Step step;

  const Buffer& buffer(BufferId id) const { return buffers[static_cast<size_t>(id)]; }
  int n_threads() const { return pool.n_threads(); }

  // Memory that lives as long as the workspace.
  Result<float*> allocate(int64_t n_floats, std::string_view purpose);
  // An operation reserves what it needs when it is made; the memory is there when it runs.
  void reserve(Shared which, int64_t n_floats);
  void reserve_per_thread(Shared which, int64_t n_floats) {
    reserve(which, (n_floats + 15) / 16 * 16 * n_threads());
  }
  Result<void> allocate_shared();
  float* shared(Shared which) const { return shared_[static_cast<size_t>(which)].data; }
  float* shared(Shared which, int thread) const {
    const SharedFloats& floats = shared_[static_cast<size_t>(which)];
    return floats.data + floats.n / n_threads() * thread;
  }
  // The rounded rows of this shape; max_rows of the space.
  RoundedRows& rounded_rows(RowSpace space, ActivationFormat format, int64_t n_cols,
                            int64_t n_max_rows);
  // Sets the number of rows of every RoundedRows of a space.
  void reset_rows(RowSpace space, int64_t n_rows);

 private:
  struct SharedFloats {
    int64_t n = 0;
    float* data = nullptr;
  };

  std::vector<Pages> pages_;
  SharedFloats shared_[kSharedCount];
  std::deque<RoundedRows> rounded_;
};

// One operation of a program, ready to run. run() is called once a step on every thread.
class Operation {
 public:
  virtual ~Operation() = default;
  virtual void run(Walk& walk) = 0;
  // That the last run used.
  virtual int64_t n_experts() const { return 0; }
};

// Each prepares what its operation needs; the program has passed check_program.
Result<std::unique_ptr<Operation>> make_operation(const EmbedOp& op, Workspace& workspace);
Result<std::unique_ptr<Operation>> make_operation(const QkvOp& op, Workspace& workspace);
Result<std::unique_ptr<Operation>> make_operation(const AttentionOp& op, Workspace& workspace);
Result<std::unique_ptr<Operation>> make_operation(const LinearOp& op, Workspace& workspace);
Result<std::unique_ptr<Operation>> make_operation(const GatedOp& op, Workspace& workspace);
Result<std::unique_ptr<Operation>> make_operation(const ResidualOp& op, Workspace& workspace);
Result<std::unique_ptr<Operation>> make_operation(const MoeOp& op, Workspace& workspace);
Result<std::unique_ptr<Operation>> make_operation(const LogitsOp& op, Workspace& workspace);

}  // namespace hearth::compute::cpu
