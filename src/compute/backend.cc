#include "compute/backend.h"

namespace hearth::compute {

uint64_t Backend::kv_block_bytes(const KvConfig& kv) {
  uint64_t values = 0;
  for (const KvLayer& layer : kv.layers) {
    values += 2 * uint64_t{kKvBlockTokens} * static_cast<uint64_t>(layer.n_kv_heads) *
              static_cast<uint64_t>(layer.head_dim);
  }
  switch (kv.type) {
    case KvType::kF32: return values * 4;
    case KvType::kF16: return values * 2;
    case KvType::kQ8_0: return values / 32 * 34;
  }
  return 0;
}

uint64_t Backend::kv_position_bytes(KvType type, const KvLayer& layer) {
  return kv_block_bytes({.type = type, .layers = {layer}}) / kKvBlockTokens;
}

}  // namespace hearth::compute
