// One KV head's part of a cache block, in each of the cache's number types.
//
// Keys lie [head_dim][32 positions], so that the scores of 32 positions add up side by side with
// one broadcast query value; values lie [32 positions][head_dim]. Then, for q8_0, the scales in
// half precision: of the keys [head_dim / 32][32], of the values [32][head_dim / 32].
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/cpu_features.h"
#include "compute/backend.h"

namespace hearth::compute::cpu {

struct KvFormat {
  // k and v [head_dim] of the position in `slot` of the block, rounded to the type.
  void (*store_key)(std::byte* head, int64_t head_dim, int64_t slot, const float* k);
  void (*store_value)(std::byte* head, int64_t head_dim, int64_t slot, const float* v);
  // The block as floats, in the same order: keys [head_dim][32], values [32][head_dim].
  void (*load_keys)(const std::byte* head, int64_t head_dim, float* keys);
  void (*load_values)(const std::byte* head, int64_t head_dim, float* values);
};

const KvFormat& kv_format(KvType type, IsaLevel level);

// Bytes of one head's part of a block, a multiple of 64 for a head_dim that is_valid_head_dim.
int64_t kv_head_bytes(KvType type, int64_t head_dim);

// The formats of each instruction set, by KvType; only kv_format() names them.
extern const KvFormat kKvFormatsScalar[3];
extern const KvFormat kKvFormatsAvx2[3];
extern const KvFormat kKvFormatsNeon[3];

}  // namespace hearth::compute::cpu
