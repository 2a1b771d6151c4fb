// A GGUF model on a backend: hyper-parameters read and checked, weights added, program built.
//
// Knows architectures through the table in registry.h alone; what differs between them is a Recipe.
// One thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "compute/backend.h"
#include "compute/step_work.h"
#include "gguf/file.h"
#include "quant/type.h"

namespace hearth::models {

struct LoadOptions {
  // Positions that a sequence may have; 0: min(trained context, 4096). Beyond the trained context
  // a warning is logged. Models with long-context rotary divisors (Phi-3.5) use the long
  // ones if this exceeds their original context, the short ones if not.
  int32_t n_ctx = 0;
  int32_t n_kv_positions = 0;  // that the KV cache holds, of all sequences; 0: n_ctx
  compute::KvType kv_type = compute::KvType::kF16;
  int32_t max_rows = 512;     // rows of the largest step
  uint64_t memory_bytes = 0;  // that the model may take; 0: what the machine has available
};

// What a load takes, computed from the header before anything is allocated.
struct MemoryNeed {
  uint64_t weight_bytes = 0;
  uint64_t kv_bytes = 0;
  uint64_t compute_bytes = 0;
  uint64_t total() const { return weight_bytes + kv_bytes + compute_bytes; }
};

struct KvReach {
  uint64_t bytes_per_position;
  int32_t window;  // positions that a row sees; 0: all
};

struct ModelInfo {
  std::string architecture;  // general.architecture
  std::string name;          // general.name, may be empty
  int32_t n_layers = 0;
  int32_t n_vocab = 0;
  int32_t n_embd = 0;
  int32_t trained_context = 0;
  int32_t n_ctx = 0;           // positions of a sequence, a multiple of compute::kKvBlockTokens
  int32_t n_kv_positions = 0;  // of the KV cache: n_ctx or what was asked for, a multiple too
  uint64_t n_parameters = 0;
  // Weight bytes that generating one token reads, and KV bytes for each position before it.
  uint64_t weight_bytes_per_token = 0;
  uint64_t kv_bytes_per_position = 0;
  // Multiply-adds with weight matrices for a row: in the layers, and in the head where its logits
  // are wanted. Attention's own with K and V are not among them.
  uint64_t layer_macs_per_row = 0;
  uint64_t head_macs_per_row = 0;
  quant::Type main_weight_type = quant::Type::kF32;  // of most of layer_macs_per_row
  std::vector<KvReach> kv_reaches;                   // by layer

  // K and V bytes that a row reads as the last of n_positions: a layer with a window reads no more
  // than that.
  uint64_t kv_bytes_read(int64_t n_positions) const;
};

class Model {
 public:
  // The file must outlive the model. Errors name the key or tensor, what was found and what was
  // expected. kOutOfMemory with the numbers if MemoryNeed exceeds memory_bytes.
  static Result<std::unique_ptr<Model>> load(const gguf::File& file,
                                             std::unique_ptr<compute::Backend> backend,
                                             const LoadOptions& options);
  static Result<MemoryNeed> memory_need(const gguf::File& file, const compute::Backend& backend,
                                        const LoadOptions& options);

  const ModelInfo& info() const { return info_; }
  int32_t n_kv_blocks() const { return info_.n_kv_positions / compute::kKvBlockTokens; }
  int32_t max_rows() const { return max_rows_; }
  const compute::Backend& backend() const { return *backend_; }

  // See compute/backend.h. kInvalidArgument for a token, position or block out of range.
  Result<void> run(const compute::Batch& batch, std::span<float> logits);
  // The same bits, and where the time went.
  Result<compute::StepProfile> profile(const compute::Batch& batch, std::span<float> logits);

 private:
  Model() = default;
  ModelInfo info_;
  int32_t max_rows_ = 0;
  std::vector<std::vector<std::byte>> owned_;  // weights that are not in the file as they are
  compute::StepWork work_;
  std::unique_ptr<compute::Backend> backend_;
};

}  // namespace hearth::models
