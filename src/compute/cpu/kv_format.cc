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
void load_plain(const std::byte* numbers, int64_t n, float* floats) {
  const auto* stored = reinterpret_cast<const typename T::Stored*>(numbers);
  for (int64_t i = 0; i < n; ++i) floats[i] = T::load(stored[i]);
}

void write_half(std::byte* at, int64_t index, float value) {
  const uint16_t half = float_to_half(value);
  std::memcpy(at + 2 * index, &half, sizeof half);
}
float read_half(const std::byte* at, int64_t index) {
  uint16_t half;
  std::memcpy(&half, at + 2 * index, sizeof half);
  return half_to_float(half);
}

// Codes of one position's numbers go to codes[i * step]; their scales to every 32nd of `scales`.
void store_q8(const float* numbers, int64_t head_dim, std::byte* codes, int64_t step,
              std::byte* scales) {
  for (int64_t group = 0; group < head_dim / 32; ++group) {
    int8_t rounded[32];
    float scale, scaled_sum;
    quantize_q8x32(numbers + group * 32, rounded, &scale, &scaled_sum);
    write_half(scales, group * kSlots, scale);
    for (int64_t i = 0; i < 32; ++i)
      codes[(group * 32 + i) * step] = static_cast<std::byte>(rounded[i]);
  }
}

void store_key_q8(std::byte* head, int64_t head_dim, int64_t slot, const float* k) {
  store_q8(k, head_dim, head + slot, kSlots, head + kSlots * head_dim + 2 * slot);
}
void store_value_q8(std::byte* head, int64_t head_dim, int64_t slot, const float* v) {
  std::byte* values = head + kv_keys_bytes(KvType::kQ8_0, head_dim);
  store_q8(v, head_dim, values + slot * head_dim, 1, values + kSlots * head_dim + 2 * slot);
}

float read_q8(const std::byte* codes, int64_t head_dim, int64_t at, int64_t d, int64_t slot) {
  const float scale = read_half(codes + kSlots * head_dim, d / 32 * kSlots + slot);
  return scale * static_cast<float>(static_cast<int8_t>(codes[at]));
}

}  // namespace

const KvFormat kKvFormatsScalar[3] = {
    {store_key<F32>, store_value<F32>},
    {store_key<F16>, store_value<F16>},
    {store_key_q8, store_value_q8},
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

void load_keys(KvType type, const std::byte* keys, int64_t head_dim, float* floats) {
  const int64_t n = kSlots * head_dim;
  if (type == KvType::kF32) return load_plain<F32>(keys, n, floats);
  if (type == KvType::kF16) return load_plain<F16>(keys, n, floats);
  for (int64_t i = 0; i < n; ++i) floats[i] = read_q8(keys, head_dim, i, i / kSlots, i % kSlots);
}

void load_values(KvType type, const std::byte* values, int64_t head_dim, float* floats) {
  const int64_t n = kSlots * head_dim;
  if (type == KvType::kF32) return load_plain<F32>(values, n, floats);
  if (type == KvType::kF16) return load_plain<F16>(values, n, floats);
  for (int64_t i = 0; i < n; ++i)
    floats[i] = read_q8(values, head_dim, i, i % head_dim, i / head_dim);
}

}  // namespace hearth::compute::cpu
