#include "compute/cpu/kv_format.h"

#if defined(__x86_64__)

#include <string.h>

#include "compute/cpu/vector_math_avx2.h"

namespace hearth::compute::cpu {
namespace {

constexpr int64_t kSlots = 32;

__m128i to_halves(const float* x) {
  return _mm256_cvtps_ph(_mm256_loadu_ps(x), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

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
  for (int64_t d = 0; d < head_dim; d += 8) {
    alignas(16) uint16_t halves[8];
    _mm_store_si128(reinterpret_cast<__m128i*>(halves), to_halves(k + d));
    for (int64_t i = 0; i < 8; ++i) keys[(d + i) * kSlots] = halves[i];
  }
}
void store_value_f16(std::byte* head, int64_t head_dim, int64_t slot, const float* v) {
  uint16_t* values = reinterpret_cast<uint16_t*>(head) + (kSlots + slot) * head_dim;
  for (int64_t d = 0; d < head_dim; d += 8) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(values + d), to_halves(v + d));
  }
}
void load_keys_f16(const std::byte* head, int64_t head_dim, float* keys) {
  const __m128i* halves = reinterpret_cast<const __m128i*>(head);
  for (int64_t i = 0; i < kSlots * head_dim / 8; ++i) {
    _mm256_storeu_ps(keys + 8 * i, _mm256_cvtph_ps(_mm_loadu_si128(halves + i)));
  }
}
void load_values_f16(const std::byte* head, int64_t head_dim, float* values) {
  load_keys_f16(head + kSlots * head_dim * 2, head_dim, values);
}

__m256 codes_to_floats(const std::byte* codes) {
  const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(codes));
  return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes));
}
__m256 halves_to_floats(const std::byte* halves) {
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(halves)));
}

void load_keys_q8(const std::byte* head, int64_t head_dim, float* keys) {
  const std::byte* scales = head + 2 * kSlots * head_dim;
  for (int64_t group = 0; group < head_dim / 32; ++group) {
    __m256 scale[4];
    for (int64_t i = 0; i < 4; ++i) {
      scale[i] = halves_to_floats(scales + 2 * (group * kSlots + 8 * i));
    }
    for (int64_t d = group * 32; d < group * 32 + 32; ++d) {
      for (int64_t i = 0; i < 4; ++i) {
        const int64_t at = d * kSlots + 8 * i;
        _mm256_storeu_ps(keys + at, _mm256_mul_ps(codes_to_floats(head + at), scale[i]));
      }
    }
  }
}

void load_values_q8(const std::byte* head, int64_t head_dim, float* values) {
  const std::byte* codes = head + kSlots * head_dim;
  const std::byte* scales = head + 2 * kSlots * head_dim + 2 * head_dim;
  for (int64_t block = 0; block < head_dim; ++block) {  // 32 slots of head_dim / 32 blocks
    uint16_t half;
    memcpy(&half, scales + 2 * block, sizeof half);
    const __m256 scale = _mm256_cvtph_ps(_mm_set1_epi16(static_cast<short>(half)));
    for (int64_t i = 0; i < 32; i += 8) {
      const int64_t at = 32 * block + i;
      _mm256_storeu_ps(values + at, _mm256_mul_ps(codes_to_floats(codes + at), scale));
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

const KvFormat kKvFormatsAvx2[3] = {
    {store_key_f32, store_value_f32, load_keys_f32, load_values_f32},
    {store_key_f16, store_value_f16, load_keys_f16, load_values_f16},
    {store_key_q8, store_value_q8, load_keys_q8, load_values_q8},
};

}  // namespace hearth::compute::cpu

#endif
