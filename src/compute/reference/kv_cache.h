// The KV cache as plain floats, rounded to its type when written.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "compute/backend.h"

namespace hearth::compute::reference {

class KvCache {
 public:
  static Result<KvCache> create(const KvConfig& config);

  // k, v: [n_kv_heads * head_dim] of one position. q8_0 rounds blocks of 32 values inside a head.
  void write(int32_t layer, int64_t slot, std::span<const float> k, std::span<const float> v);
  std::span<const float> k(int32_t layer, int64_t slot) const { return entry(layer, slot, false); }
  std::span<const float> v(int32_t layer, int64_t slot) const { return entry(layer, slot, true); }

  // slot of a position of a sequence with this block table
  static int64_t slot(std::span<const int32_t> block_table, int32_t position) {
    return int64_t{block_table[static_cast<size_t>(position / kKvBlockTokens)]} * kKvBlockTokens +
           position % kKvBlockTokens;
  }

 private:
  struct Layer {
    int64_t width;
    std::vector<float> keys, values;  // [n_blocks * kKvBlockTokens, width]
  };
  std::span<const float> entry(int32_t layer, int64_t slot, bool is_value) const;

  KvType type_ = KvType::kF32;
  std::vector<Layer> layers_;
};

}  // namespace hearth::compute::reference
