// One KV head's part of a cache block, in each of the cache's number types.
//
// Keys lie [head_dim][32 positions], so that the scores of 32 positions add up side by side with
// one broadcast query value; values lie [32 positions][head_dim]. Those of q8_0 are codes, and keys
// as well as values are followed by their scales, halves in the order [head_dim / 32][32
// positions].
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
};

const KvFormat& kv_format(KvType type, IsaLevel level);

// A block's keys or values as floats, in the same order: [head_dim][32] or [32][head_dim].
void load_keys(KvType type, const std::byte* keys, int64_t head_dim, float* floats);
void load_values(KvType type, const std::byte* values, int64_t head_dim, float* floats);

// Bytes of one head's part of a block, a multiple of 64 for a head_dim that is_valid_head_dim.
int64_t kv_head_bytes(KvType type, int64_t head_dim);
// Of the keys alone, which the values follow.
inline int64_t kv_keys_bytes(KvType type, int64_t head_dim) {
  return kv_head_bytes(type, head_dim) / 2;
}

// The formats of each instruction set, by KvType; only kv_format() names them.
extern const KvFormat kKvFormatsScalar[3];
extern const KvFormat kKvFormatsAvx2[3];
extern const KvFormat kKvFormatsNeon[3];

}  // namespace hearth::compute::cpu
