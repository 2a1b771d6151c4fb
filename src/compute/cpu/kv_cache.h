// The paged KV cache: for each layer an array of blocks, each with every head's keys and values of
// 32 positions.
//
// Writes to different (block, slot, head) may run at once; a reader of a slot comes after its
// writer by a barrier.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "compute/backend.h"
#include "compute/cpu/kv_format.h"
#include "compute/cpu/pages.h"

namespace hearth::compute::cpu {

class KvCache {
 public:
  // kUnsupported for a head size that the kernels cannot take; kOutOfMemory with the numbers.
  static Result<KvCache> create(const KvConfig& config, IsaLevel level);

  KvType type() const { return type_; }
  const KvFormat& format() const { return *format_; }

  // One head's part of a block.
  std::byte* head(int32_t layer, int32_t block, int32_t kv_head) const {
    const Layer& l = layers_[static_cast<size_t>(layer)];
    return pages_.data() + l.offset + (int64_t{block} * l.n_kv_heads + kv_head) * l.head_bytes;
  }

 private:
  struct Layer {
    int64_t offset;
    int64_t head_bytes;
    int32_t n_kv_heads;
  };

  KvType type_ = KvType::kF16;
  const KvFormat* format_ = nullptr;
  std::vector<Layer> layers_;
  Pages pages_;
};

}  // namespace hearth::compute::cpu
