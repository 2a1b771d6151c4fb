#include "compute/cpu/kv_format.h"

#include <string.h>

#include "compute/cpu/vector_math_neon.h"

namespace hearth::compute::cpu {
namespace {

constexpr int64_t kSlots = 32;

uint16x4_t to_halfs(const float* x) { return vreinterpret_u16_f16(vcvt_f16_f32(vld1q_f32(x))); }

// head_dim is a multiple of 8 in all of these, of 32 in those of q8_0.
void store_key_f32(std::byte* head, int64_t head_dim, int64_t slot, const float* k) {
  float* keys = reinterpret_cast<float*>(head) + slot;
  for (int64_t d = 0; d < head_dim; ++d) keys[d * kSlots] = k[d];
}
void store_value_f32(std::byte* head, int64_t head_dim, int64_t slot, const float* v) {
  float* values = reinterpret_cast<float*>(head) + (kSlots + slot) * head_dim;
  memcpy(values, v, static_cast<size_t>(head_dim) * sizeof *v);
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

void store_key_q8(std::byte* head, int64_t head_dim, int64_t slot, const float* k) {
  kKvFormatsScalar[static_cast<int>(KvType::kQ8_0)].store_key(head, head_dim, slot, k);
}
void store_value_q8(std::byte* head, int64_t head_dim, int64_t slot, const float* v) {
  kKvFormatsScalar[static_cast<int>(KvType::kQ8_0)].store_value(head, head_dim, slot, v);
}

}  // namespace

const KvFormat kKvFormatsNeon[3] = {
    {store_key_f32, store_value_f32},
    {store_key_f16, store_value_f16},
    {store_key_q8, store_value_q8},
};

}  // namespace hearth::compute::cpu
