// A device that holds one model's weights in its own layout and runs its program on batches.
//
// Life: add every matrix, vector and table; prepare() once; run() any number of times. One thread
// at a time; a backend brings its own workers. reference/ is the executable definition of every
// operation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/mapped_file.h"
#include "base/result.h"
#include "compute/batch.h"
#include "compute/program.h"
#include "compute/step_profile.h"
#include "quant/type.h"

namespace hearth::compute {

// A weight matrix as the file has it: n_slices * n_rows rows of n_cols values, contiguous.
// `data` must outlive the backend, which may run from it in place. Where it lies in a mapped file,
// a backend that has copied a part of it into its own layout lets the part's pages go: they are
// read from the file again by whoever touches them.
struct MatrixSource {
  std::string_view name;
  quant::Type type;
  int64_t n_rows;  // a slice
  int64_t n_cols;
  int64_t n_slices = 1;  // experts
  std::span<const std::byte> data;
  const MappedFile* file = nullptr;  // that `data` lies in; null: in other memory
};

enum class KvType { kF32, kF16, kQ8_0 };

struct KvLayer {
  int32_t n_kv_heads;
  int32_t head_dim;
};

struct KvConfig {
  KvType type = KvType::kF16;
  std::vector<KvLayer> layers;
  int32_t n_blocks = 0;  // of kKvBlockTokens positions, each with all layers
};

class Backend {
 public:
  virtual ~Backend() = default;

  // kUnsupported if the device has no way to run the type; kInvalidFile for a size that does not
  // fit it.
  virtual Result<MatrixId> add_matrix(const MatrixSource& source) = 0;
  virtual VectorId add_vector(std::span<const float> values) = 0;
  // An embedding table, read by row.
  virtual Result<TableId> add_table(const MatrixSource& source) = 0;

  // Checks the program's shapes against the weights, allocates buffers for max_rows rows and the
  // cache. kOutOfMemory with the numbers if the cache or the buffers cannot be had.
  virtual Result<void> prepare(Program program, const KvConfig& kv, int32_t max_rows) = 0;

  // batch.rows.size() in [1, max_rows]. logits: n_vocab floats for each row with wants_logits, in
  // order. kNonFinite if a wanted logit is NaN or infinite.
  virtual Result<void> run(const Batch& batch, std::span<float> logits) = 0;

  // The same bits, and how each operation ran.
  virtual Result<StepRun> run_timed(const Batch& batch, std::span<float> logits) = 0;

  // Bytes that a matrix of this shape takes once added, for fit checks before any is.
  virtual uint64_t matrix_bytes(quant::Type type, int64_t n_rows, int64_t n_cols) const = 0;
  static uint64_t kv_block_bytes(const KvConfig& kv);
  // K and V of one position in one layer.
  static uint64_t kv_position_bytes(KvType type, const KvLayer& layer);

  // One line for people: device, instruction set, threads; then what runs on a slow path, if
  // anything.
  virtual std::string description() const = 0;
  virtual std::vector<std::string> slow_paths() const = 0;
};

}  // namespace hearth::compute
