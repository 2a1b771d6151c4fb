#include "compute/reference/kv_cache.h"

#include <fmt/format.h>

#include <new>

#include "base/half.h"
#include "compute/activation.h"

namespace hearth::compute::reference {
namespace {

void round_to_type(KvType type, std::span<const float> in, float* out) {
  for (size_t i = 0; i < in.size(); ++i) out[i] = in[i];
  if (type == KvType::kF16) {
    for (size_t i = 0; i < in.size(); ++i) out[i] = half_to_float(float_to_half(in[i]));
  } else if (type == KvType::kQ8_0) {
    for (size_t begin = 0; begin < in.size(); begin += 32) {
      int8_t codes[32];
      float scale, scaled_sum;
      quantize_q8x32(in.data() + begin, codes, &scale, &scaled_sum);
      for (size_t i = 0; i < 32; ++i) out[begin + i] = scale * static_cast<float>(codes[i]);
    }
  }
}

}  // namespace

Result<KvCache> KvCache::create(const KvConfig& config) {
  KvCache cache;
  cache.type_ = config.type;
  try {
    for (const KvLayer& layer : config.layers) {
      if (config.type == KvType::kQ8_0 && layer.head_dim % 32 != 0) {
        return fail(
            ErrorCode::kUnsupported,
            fmt::format("a q8_0 KV cache needs a head size that is a multiple of 32, not {}",
                        layer.head_dim));
      }
      const int64_t width = int64_t{layer.n_kv_heads} * layer.head_dim;
      const auto size = static_cast<size_t>(int64_t{config.n_blocks} * kKvBlockTokens * width);
      cache.layers_.push_back({width, std::vector<float>(size), std::vector<float>(size)});
    }
  } catch (const std::exception&) {
    return fail(ErrorCode::kOutOfMemory,
                fmt::format("no memory for a KV cache of {} blocks", config.n_blocks));
  }
  return cache;
}

void KvCache::write(int32_t layer, int64_t slot, std::span<const float> k,
                    std::span<const float> v) {
  Layer& l = layers_[static_cast<size_t>(layer)];
  round_to_type(type_, k, l.keys.data() + slot * l.width);
  round_to_type(type_, v, l.values.data() + slot * l.width);
}

std::span<const float> KvCache::entry(int32_t layer, int64_t slot, bool is_value) const {
  const Layer& l = layers_[static_cast<size_t>(layer)];
  return {(is_value ? l.values : l.keys).data() + slot * l.width, static_cast<size_t>(l.width)};
}

}  // namespace hearth::compute::reference
