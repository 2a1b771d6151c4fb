// The integer scales and mins of a k-quant's panel block as bytes [sub-block][row], for the NEON
// kernels. Everything has internal linkage, as their files require.
#pragma once

#include <arm_neon.h>
#include <stdint.h>

namespace hearth::compute::cpu {
namespace {

inline uint8x16_t low_nibbles(uint8x16_t x) { return vandq_u8(x, vdupq_n_u8(15)); }

// nibble + 16 * the two bits of `bits` from bit `at` up.
template <int at>
inline uint8x16_t join(uint8x16_t nibble, uint8x16_t bits) {
  const uint8x16_t moved = vshlq_u8(bits, vdupq_n_s8(4 - at));
  return vorrq_u8(nibble, vandq_u8(moved, vdupq_n_u8(48)));
}

inline int8x16_t less_32(uint8x16_t x) { return vreinterpretq_s8_u8(vsubq_u8(x, vdupq_n_u8(32))); }

// The 6-bit scales and mins of Q4_K and Q5_K.
struct ScalesAndMins {
  explicit ScalesAndMins(const uint8_t* from) {
    for (int i = 0; i < 32; i += 16) {
      const uint8x16_t first = vld1q_u8(from + i), second = vld1q_u8(from + 32 + i);
      const uint8x16_t top = vld1q_u8(from + 64 + i);
      vst1q_s8(scales + i, vreinterpretq_s8_u8(join<0>(low_nibbles(first), top)));
      vst1q_s8(scales + 32 + i, vreinterpretq_s8_u8(join<2>(low_nibbles(second), top)));
      vst1q_u8(mins + i, join<4>(vshrq_n_u8(first, 4), top));
      vst1q_u8(mins + 32 + i, join<6>(vshrq_n_u8(second, 4), top));
    }
  }
  int8_t scales[64];
  uint8_t mins[64];
};

// The 4-bit scales and mins of Q2_K.
struct ScalesQ2_K {
  explicit ScalesQ2_K(const uint8_t* from) {
    for (int i = 0; i < 128; i += 16) {
      const uint8x16_t pair = vld1q_u8(from + i);
      vst1q_s8(scales + i, vreinterpretq_s8_u8(low_nibbles(pair)));
      vst1q_u8(mins + i, vshrq_n_u8(pair, 4));
    }
  }
  int8_t scales[128];
  uint8_t mins[128];
};

// The 6-bit scales of Q3_K less 32.
struct ScalesQ3_K {
  explicit ScalesQ3_K(const uint8_t* from) {
    for (int i = 0; i < 32; i += 16) {
      const uint8x16_t even = vld1q_u8(from + i), odd = vld1q_u8(from + 32 + i);
      const uint8x16_t top = vld1q_u8(from + 64 + i);
      vst1q_s8(scales + i, less_32(join<0>(low_nibbles(even), top)));
      vst1q_s8(scales + 32 + i, less_32(join<2>(low_nibbles(odd), top)));
      vst1q_s8(scales + 64 + i, less_32(join<4>(vshrq_n_u8(even, 4), top)));
      vst1q_s8(scales + 96 + i, less_32(join<6>(vshrq_n_u8(odd, 4), top)));
    }
  }
  int8_t scales[128];
};

// The 8-bit scales of Q6_K, as they are.
struct ScaleBytes {
  explicit ScaleBytes(const uint8_t* from) : scales(reinterpret_cast<const int8_t*>(from)) {}
  const int8_t* scales;
};

// The 6-bit scales of IQ4_XS less 32.
struct ScalesIQ4_XS {
  explicit ScalesIQ4_XS(const uint8_t* from) {
    constexpr int8_t kShifts[4] = {0, -2, -4, -6};
    for (int j = 0; j < 8; ++j) {
      const uint8x8_t pair = vld1_u8(from + j / 2 * 8), bits = vld1_u8(from + 32 + j / 4 * 8);
      const uint8x8_t low = j % 2 == 0 ? vand_u8(pair, vdup_n_u8(15)) : vshr_n_u8(pair, 4);
      const uint8x8_t high = vand_u8(vshl_u8(bits, vdup_n_s8(kShifts[j % 4])), vdup_n_u8(3));
      const uint8x8_t joined = vorr_u8(low, vshl_n_u8(high, 4));
      vst1_s8(scales + 8 * j, vreinterpret_s8_u8(vsub_u8(joined, vdup_n_u8(32))));
    }
  }
  int8_t scales[64];
};

}  // namespace
}  // namespace hearth::compute::cpu
