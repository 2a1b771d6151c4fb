#include "compute/cpu/kv_format.h"

#include <string.h>

#include "compute/cpu/vector_math_neon.h"

namespace hearth::compute::cpu {
namespace {

constexpr int64_t kSlots = 32;

uint16x4_t to_halfs(const float* x) { return vreinterpret_u16_f16(vcvt_f16_f32(vld1q_f32(x))); }

const uint16_t* as_halfs(const std::byte* at) { return reinterpret_cast<const uint16_t*>(at); }

// head_dim is a multiple of 8 in all of these, of 32 in those of q8_0.
void store_key_f32(std::byte* head, int64_t head_dim, int64_t slot, const float* k) {
  float* keys = reinterpret_cast<float*>(head) + slot;
  for (int64_t d = 0; d < head_dim; ++d) keys[d * kSlots] = k[d];
}
void store_value_f32(std::byte* head, int64_t head_dim, int64_t slot, const float* v) {
  float* values = reinterpret_cast<float*>(head) + (kSlots + slot) * head_dim;
  memcpy(values, v, static_cast<size_t>(head_dim) * sizeof *v);
}
void load_keys_f32(const std::byte* head, int64_t head_dim, float* keys) {
  memcpy(keys, head, static_cast<size_t>(kSlots * head_dim) * sizeof *keys);
}
void load_values_f32(const std::byte* head, int64_t head_dim, float* values) {
  load_keys_f32(head + kSlots * head_dim * 4, head_dim, values);
}

void store_key_f16(std::byte* head, int64_t head_dim, int64_t slot, const float* k) {
  uint16_t* keys = reinterpret_cast<uint16_t*>(head) + slot;
  for (int64_t d = 0; d < head_dim; d += 4) {
    uint16_t halfs[4];
    vst1_u16(halfs, to_halfs(k + d));
    for (int64_t i = 0; i < 4; ++i) keys[(d + i) * kSlots] = halfs[i];
  }
}
void store_value_f16(std::byte* head, int64_t head_dim, int64_t slot, const float* v) {
  uint16_t* values = reinterpret_cast<uint16_t*>(head) + (kSlots + slot) * head_dim;
  for (int64_t d = 0; d < head_dim; d += 4) vst1_u16(values + d, to_halfs(v + d));
}
void load_keys_f16(const std::byte* head, int64_t head_dim, float* keys) {
  const uint16_t* halfs = as_halfs(head);
  for (int64_t i = 0; i < kSlots * head_dim; i += 4) vst1q_f32(keys + i, load_4_halfs(halfs + i));
}
void load_values_f16(const std::byte* head, int64_t head_dim, float* values) {
  load_keys_f16(head + kSlots * head_dim * 2, head_dim, values);
}

// Eight codes times their scales.
void store_scaled(const std::byte* codes, float32x4_t low, float32x4_t high, float* out) {
  const int16x8_t words = vmovl_s8(vld1_s8(reinterpret_cast<const int8_t*>(codes)));
  vst1q_f32(out, vmulq_f32(vcvtq_f32_s32(vmovl_s16(vget_low_s16(words))), low));
  vst1q_f32(out + 4, vmulq_f32(vcvtq_f32_s32(vmovl_high_s16(words)), high));
}

void load_keys_q8(const std::byte* head, int64_t head_dim, float* keys) {
  const uint16_t* scales = as_halfs(head + 2 * kSlots * head_dim);
  for (int64_t group = 0; group < head_dim / 32; ++group) {
    float32x4_t scale[8];
    for (int64_t i = 0; i < 8; ++i) scale[i] = load_4_halfs(scales + group * kSlots + 4 * i);
    for (int64_t d = group * 32; d < group * 32 + 32; ++d) {
      for (int64_t i = 0; i < 4; ++i) {
        const int64_t at = d * kSlots + 8 * i;
        store_scaled(head + at, scale[2 * i], scale[2 * i + 1], keys + at);
      }
    }
  }
}

void load_values_q8(const std::byte* head, int64_t head_dim, float* values) {
  const std::byte* codes = head + kSlots * head_dim;
  const uint16_t* scales = as_halfs(head + 2 * kSlots * head_dim + 2 * head_dim);
  for (int64_t block = 0; block < head_dim; ++block) {  // 32 slots of head_dim / 32 blocks
    const float32x4_t scale = vcvt_f32_f16(vreinterpret_f16_u16(vdup_n_u16(scales[block])));
    for (int64_t i = 0; i < 32; i += 8) {
      store_scaled(codes + 32 * block + i, scale, scale, values + 32 * block + i);
    }
  }
}

void store_key_q8(std::byte* head, int64_t head_dim, int64_t slot, const float* k) {
  kKvFormatsScalar[static_cast<int>(KvType::kQ8_0)].store_key(head, head_dim, slot, k);
}
void store_value_q8(std::byte* head, int64_t head_dim, int64_t slot, const float* v) {
  kKvFormatsScalar[static_cast<int>(KvType::kQ8_0)].store_value(head, head_dim, slot, v);
}

}  // namespace

const KvFormat kKvFormatsNeon[3] = {
    {store_key_f32, store_value_f32, load_keys_f32, load_values_f32},
    {store_key_f16, store_value_f16, load_keys_f16, load_values_f16},
    {store_key_q8, store_value_q8, load_keys_q8, load_values_q8},
};

}  // namespace hearth::compute::cpu
