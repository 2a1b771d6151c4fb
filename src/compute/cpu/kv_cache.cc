#include "compute/cpu/kv_cache.h"

#include <fmt/format.h>

namespace hearth::compute::cpu {

Result<KvCache> KvCache::create(const KvConfig& config, IsaLevel level) {
  KvCache cache;
  cache.type_ = config.type;
  cache.format_ = &kv_format(config.type, level);
  if (config.n_blocks < 1) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("a KV cache needs at least 1 block, not {}", config.n_blocks));
  }
  const int32_t step = config.type == KvType::kQ8_0 ? 32 : 8;
  uint64_t total = 0;
  for (const KvLayer& layer : config.layers) {
    if (layer.head_dim % step != 0 || layer.head_dim < step || layer.n_kv_heads < 1) {
      return fail(
          ErrorCode::kUnsupported,
          fmt::format("a {} KV cache needs a head size that is a multiple of {}, not {}",
                      config.type == KvType::kQ8_0 ? "q8_0" : "f16 or f32", step, layer.head_dim));
    }
    const int64_t head_bytes = kv_head_bytes(config.type, layer.head_dim);
    cache.layers_.push_back({static_cast<int64_t>(total), head_bytes, layer.n_kv_heads});
    uint64_t bytes = static_cast<uint64_t>(head_bytes);
    const bool wraps =
        __builtin_mul_overflow(bytes, static_cast<uint64_t>(layer.n_kv_heads), &bytes) ||
        __builtin_mul_overflow(bytes, static_cast<uint64_t>(config.n_blocks), &bytes) ||
        __builtin_add_overflow(total, bytes, &total);
    if (wraps || total > INT64_MAX) {
      return fail(ErrorCode::kOutOfMemory,
                  fmt::format("a KV cache of {} blocks is beyond any machine", config.n_blocks));
    }
  }
  cache.pages_ = TRY(Pages::map(
      total, fmt::format("a KV cache of {} positions", int64_t{config.n_blocks} * kKvBlockTokens)));
  return cache;
}

}  // namespace hearth::compute::cpu
