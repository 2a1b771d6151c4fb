// Rows of floats to 8-bit codes, as compute/activation.h defines them, bit for bit.
#include <arm_neon.h>

#include "compute/cpu/panel/kernels.h"

namespace hearth::compute::cpu {
namespace {

inline float round_to_half(float value) { return static_cast<float>(static_cast<__fp16>(value)); }

inline bool is_finite(float value) { return __builtin_isfinite(value); }

// True if no lane is NaN or infinite: 0 * x is 0 then.
inline bool all_finite(float32x4_t zeros) { return vminvq_u32(vceqq_f32(zeros, zeros)) != 0; }

struct Codes {
  int8x16_t first, second;
};

// round(x * factor) of 16 floats; those past 127 end at 127.
inline int8x16_t round_codes_16(const float* values, float factor) {
  int16x4_t words[4];
  for (int i = 0; i < 4; ++i) {
    const float32x4_t scaled = vmulq_n_f32(vld1q_f32(values + 4 * i), factor);
    words[i] = vqmovn_s32(vcvtnq_s32_f32(scaled));
  }
  return vcombine_s8(vqmovn_s16(vcombine_s16(words[0], words[1])),
                     vqmovn_s16(vcombine_s16(words[2], words[3])));
}

inline Codes round_codes(const float* values, float factor, bool is_usable) {
  if (!is_usable) return {vdupq_n_s8(0), vdupq_n_s8(0)};
  return {round_codes_16(values, factor), round_codes_16(values + 16, factor)};
}

inline void store_codes(int8_t* to, const Codes& codes) {
  vst1q_s8(to, codes.first);
  vst1q_s8(to + 16, codes.second);
}

// Sums of columns k with k % 4 < 2 (even lanes) and of the others (odd lanes) of 16 codes.
inline int16x4_t word_sums(int8x16_t codes) {
  const int16x8_t pairs = vpaddlq_s8(codes);
  const int16x4_t words = vadd_s16(vget_low_s16(pairs), vget_high_s16(pairs));
  return vadd_s16(words, vext_s16(words, words, 2));
}

inline int32_t word_pair(int16x4_t words) { return vget_lane_s32(vreinterpret_s32_s16(words), 0); }

inline int32_t sum_words(int16x4_t words) {
  return vget_lane_s16(words, 0) + vget_lane_s16(words, 1);
}

// The value of largest magnitude among 256, the first one of equals; *is_all_finite says whether
// it means anything.
float find_extreme(const float* values, bool* is_all_finite) {
  float32x4_t most = vdupq_n_f32(0), least = vdupq_n_f32(0), zeros = vdupq_n_f32(0);
  for (int i = 0; i < 256; i += 4) {
    const float32x4_t x = vld1q_f32(values + i);
    most = vmaxq_f32(most, x);
    least = vminq_f32(least, x);
    zeros = vaddq_f32(zeros, vmulq_n_f32(x, 0.0f));
  }
  *is_all_finite = all_finite(zeros);
  const float top = vmaxvq_f32(most), bottom = -vminvq_f32(least);
  if (top != bottom) return top > bottom ? top : -bottom;
  for (int i = 0; i < 256; ++i) {
    if (values[i] == top || values[i] == -top) return values[i];
  }
  return 0;
}

// -32 times the sums of columns k with k % 8 < 4, and of the others.
inline int32x2_t lane_offsets(int8x16_t codes) {
  const int32x4_t fours = vpaddlq_s16(vpaddlq_s8(codes));
  return vmul_n_s32(vadd_s32(vget_low_s32(fours), vget_high_s32(fours)), -32);
}

}  // namespace

void quantize_row_q8x32_neon(const float* values, const QuantizedRow& target) {
  const QuantizedRow row = target;
  for (int64_t b = 0; b < row.n_blocks; ++b, values += 32) {
    const int64_t at = b * row.stride;
    float32x4_t top = vdupq_n_f32(0), zeros = vdupq_n_f32(0);
    for (int i = 0; i < 32; i += 4) {
      const float32x4_t x = vld1q_f32(values + i);
      top = vmaxq_f32(top, vabsq_f32(x));
      zeros = vaddq_f32(zeros, vmulq_n_f32(x, 0.0f));
    }
    const float magnitude = vmaxvq_f32(top), factor = 127.0f / magnitude;
    const bool finite = all_finite(zeros);
    const Codes codes = round_codes(values, factor, finite && is_finite(factor));
    const int16x4_t words = vadd_s16(word_sums(codes.first), word_sums(codes.second));
    const float d = finite ? magnitude / 127.0f : __builtin_nanf("");
    store_codes(row.codes + 32 * at, codes);
    row.scales[at] = round_to_half(d);
    row.scaled_sums[at] = finite ? round_to_half(d * static_cast<float>(sum_words(words))) : d;
    row.offsets_8[at] = word_pair(vshl_n_s16(words, 3));
    row.offsets_16[at] = word_pair(vshl_n_s16(words, 4));
  }
}

void quantize_row_q8x256_neon(const float* values, const QuantizedRow& target) {
  const QuantizedRow row = target;
  for (int64_t b = 0; b < row.n_blocks; ++b, values += 256) {
    bool finite;
    const float extreme = find_extreme(values, &finite);
    const float factor = -127.0f / extreme;
    const bool usable = finite && is_finite(factor);
    row.scales[b * row.stride] = usable ? 1.0f / factor : finite ? 0.0f : __builtin_nanf("");
    for (int j = 0; j < 8; ++j) {
      const int64_t at = (8 * b + j) * row.stride;
      const Codes codes = round_codes(values + 32 * j, factor, usable);
      const int16x4_t first = word_sums(codes.first), second = word_sums(codes.second);
      store_codes(row.codes + 32 * at, codes);
      row.offsets_32[2 * at] = word_pair(vshl_n_s16(first, 5));
      row.offsets_32[2 * at + 1] = word_pair(vshl_n_s16(second, 5));
      vst1_s32(row.lane_offsets + 4 * at, lane_offsets(codes.first));
      vst1_s32(row.lane_offsets + 4 * at + 2, lane_offsets(codes.second));
      row.sums_32[8 * b * row.stride + j] =
          static_cast<int16_t>(sum_words(vadd_s16(first, second)));
    }
  }
}

}  // namespace hearth::compute::cpu
