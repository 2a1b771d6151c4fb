#include "compute/cpu/kv_format.h"

#include <cstring>

#include "base/half.h"
#include "compute/activation.h"

namespace hearth::compute::cpu {
namespace {

constexpr int64_t kSlots = kKvBlockTokens;

struct F32 {
  using Stored = float;
  static float store(float value) { return value; }
  static float load(float value) { return value; }
};
struct F16 {
  using Stored = uint16_t;
  static uint16_t store(float value) { return float_to_half(value); }
  static float load(uint16_t value) { return half_to_float(value); }
};

template <class T>
void store_key(std::byte* head, int64_t head_dim, int64_t slot, const float* k) {
  auto* keys = reinterpret_cast<typename T::Stored*>(head);
  for (int64_t d = 0; d < head_dim; ++d) keys[d * kSlots + slot] = T::store(k[d]);
}
template <class T>
void store_value(std::byte* head, int64_t head_dim, int64_t slot, const float* v) {
  auto* values = reinterpret_cast<typename T::Stored*>(head) + (kSlots + slot) * head_dim;
  for (int64_t d = 0; d < head_dim; ++d) values[d] = T::store(v[d]);
}
template <class T>
void load_keys(const std::byte* head, int64_t head_dim, float* keys) {
  const auto* stored = reinterpret_cast<const typename T::Stored*>(head);
  for (int64_t i = 0; i < kSlots * head_dim; ++i) keys[i] = T::load(stored[i]);
}
template <class T>
void load_values(const std::byte* head, int64_t head_dim, float* values) {
  const auto* stored = reinterpret_cast<const typename T::Stored*>(head) + kSlots * head_dim;
  for (int64_t i = 0; i < kSlots * head_dim; ++i) values[i] = T::load(stored[i]);
}

template <class Byte>
struct Q8Head {
  Byte* key_codes;
  Byte* value_codes;
  Byte* key_scales;
  Byte* value_scales;

  Q8Head(Byte* head, int64_t head_dim)
      : key_codes(head),
        value_codes(head + kSlots * head_dim),
        key_scales(head + 2 * kSlots * head_dim),
        value_scales(key_scales + 2 * head_dim) {}
};

void write_half(std::byte* at, int64_t index, float value) {
  const uint16_t half = float_to_half(value);
  std::memcpy(at + 2 * index, &half, sizeof half);
}
float read_half(const std::byte* at, int64_t index) {
  uint16_t half;
  std::memcpy(&half, at + 2 * index, sizeof half);
  return half_to_float(half);
}

void store_key_q8(std::byte* head, int64_t head_dim, int64_t slot, const float* k) {
  const Q8Head<std::byte> block(head, head_dim);
  for (int64_t group = 0; group < head_dim / 32; ++group) {
    int8_t codes[32];
    float scale, scaled_sum;
    quantize_q8x32(k + group * 32, codes, &scale, &scaled_sum);
    write_half(block.key_scales, group * kSlots + slot, scale);
    for (int64_t i = 0; i < 32; ++i) {
      block.key_codes[(group * 32 + i) * kSlots + slot] = static_cast<std::byte>(codes[i]);
    }
  }
}

void store_value_q8(std::byte* head, int64_t head_dim, int64_t slot, const float* v) {
  const Q8Head<std::byte> block(head, head_dim);
  for (int64_t group = 0; group < head_dim / 32; ++group) {
    int8_t codes[32];
    float scale, scaled_sum;
    quantize_q8x32(v + group * 32, codes, &scale, &scaled_sum);
    write_half(block.value_scales, slot * (head_dim / 32) + group, scale);
    std::memcpy(block.value_codes + slot * head_dim + group * 32, codes, sizeof codes);
  }
}

void load_keys_q8(const std::byte* head, int64_t head_dim, float* keys) {
  const Q8Head<const std::byte> block(head, head_dim);
  for (int64_t d = 0; d < head_dim; ++d) {
    for (int64_t slot = 0; slot < kSlots; ++slot) {
      const auto code = static_cast<int8_t>(block.key_codes[d * kSlots + slot]);
      keys[d * kSlots + slot] = read_half(block.key_scales, d / 32 * kSlots + slot) * code;
    }
  }
}

void load_values_q8(const std::byte* head, int64_t head_dim, float* values) {
  const Q8Head<const std::byte> block(head, head_dim);
  for (int64_t i = 0; i < kSlots * head_dim; ++i) {
    const auto code = static_cast<int8_t>(block.value_codes[i]);
    values[i] = read_half(block.value_scales, i / 32) * code;
  }
}

}  // namespace

const KvFormat kKvFormatsScalar[3] = {
    {store_key<F32>, store_value<F32>, load_keys<F32>, load_values<F32>},
    {store_key<F16>, store_value<F16>, load_keys<F16>, load_values<F16>},
    {store_key_q8, store_value_q8, load_keys_q8, load_values_q8},
};

const KvFormat& kv_format(KvType type, IsaLevel level) {
  const auto index = static_cast<size_t>(type);
#if defined(__x86_64__)
  if (level >= IsaLevel::kAvx2) return kKvFormatsAvx2[index];
#elif defined(__aarch64__)
  if (level >= IsaLevel::kNeon) return kKvFormatsNeon[index];
#endif
  static_cast<void>(level);
  return kKvFormatsScalar[index];
}

int64_t kv_head_bytes(KvType type, int64_t head_dim) {
  const int64_t n_values = 2 * kSlots * head_dim;
  switch (type) {
    case KvType::kF32: return n_values * 4;
    case KvType::kF16: return n_values * 2;
    case KvType::kQ8_0: return n_values / 32 * 34;
  }
  return 0;
}

}  // namespace hearth::compute::cpu
