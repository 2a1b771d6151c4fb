// Pieces of the NEON panel kernels: registers of codes from a panel block, and their products with
// activations. Everything has internal linkage, as files of one instruction set require.
//
// A block's 8 rows x 32 columns fill 16 registers of signed codes, the halves of format.h's
// vectors: register 4 q + i has columns 8 q to 8 q + 7 of two rows,
//
//   i = 0: rows 0 and 1    1: rows 4 and 5    2: rows 2 and 3    3: rows 6 and 7
#pragma once

#include <arm_neon.h>
#include <stdint.h>

namespace hearth::compute::cpu {
namespace {

// As far ahead of the block in hand as the AVX2 kernels look.
constexpr int kPrefetchBytes = 4096;

inline void prefetch_bytes(const uint8_t* block, int n_bytes) {
  for (int line = 0; line < n_bytes; line += 64) {
    __builtin_prefetch(block + kPrefetchBytes + line);
  }
}

// One number of each of 8 rows: rows 0 to 3, rows 4 to 7.
struct RowFloats {
  float32x4_t low, high;
};
struct RowInts {
  int32x4_t low, high;
};

inline RowFloats load_halfs(const uint8_t* from) {
  const float16x8_t halfs = vreinterpretq_f16_u8(vld1q_u8(from));
  return {vcvt_f32_f16(vget_low_f16(halfs)), vcvt_high_f32_f16(halfs)};
}

inline RowFloats scaled(const RowFloats& x, float factor) {
  return {vmulq_n_f32(x.low, factor), vmulq_n_f32(x.high, factor)};
}

inline RowFloats to_floats(const RowInts& x) {
  return {vcvtq_f32_s32(x.low), vcvtq_f32_s32(x.high)};
}

// acc + x * y and acc - x * y, each rounded once.
inline RowFloats add_product(const RowFloats& acc, const RowFloats& x, const RowFloats& y) {
  return {vfmaq_f32(acc.low, x.low, y.low), vfmaq_f32(acc.high, x.high, y.high)};
}
inline RowFloats subtract_product(const RowFloats& acc, const RowFloats& x, const RowFloats& y) {
  return {vfmsq_f32(acc.low, x.low, y.low), vfmsq_f32(acc.high, x.high, y.high)};
}

inline RowInts add_product(const RowInts& acc, const RowInts& x, const RowInts& y) {
  return {vmlaq_s32(acc.low, x.low, y.low), vmlaq_s32(acc.high, x.high, y.high)};
}

inline RowFloats load_row_floats(const float* from) {
  return {vld1q_f32(from), vld1q_f32(from + 4)};
}
inline void store_row_floats(float* to, const RowFloats& x) {
  vst1q_f32(to, x.low);
  vst1q_f32(to + 4, x.high);
}

// x shifted left by n, or right by -n.
inline uint8x16_t shifted(uint8x16_t x, int n) {
  return vshlq_u8(x, vdupq_n_s8(static_cast<int8_t>(n)));
}

inline void unpack_nibbles(const uint8_t* from, uint8x16_t codes[16]) {
  for (int i = 0; i < 8; ++i) {
    const uint8x16_t pair = vld1q_u8(from + 16 * i);
    codes[i] = vandq_u8(pair, vdupq_n_u8(15));
    codes[8 + i] = vshrq_n_u8(pair, 4);
  }
}

// Adds the plane as bit `to` of the codes.
inline void add_plane_1(const uint8_t* from, int to, uint8x16_t codes[16]) {
  const uint8x16_t bit = vdupq_n_u8(static_cast<uint8_t>(1 << to));
  for (int i = 0; i < 16; ++i) {
    const uint8x16_t plane = vld1q_u8(from + 16 * (i % 2));
    codes[i] = vorrq_u8(codes[i], vandq_u8(shifted(plane, to - i / 2), bit));
  }
}

// Adds the planes as bits `to` and `to` + 1 of the codes.
inline void add_plane_2(const uint8_t* from, int to, uint8x16_t codes[16]) {
  const uint8x16_t bits = vdupq_n_u8(static_cast<uint8_t>(3 << to));
  for (int i = 0; i < 16; ++i) {
    const uint8x16_t plane = vld1q_u8(from + i / 8 * 32 + 16 * (i % 2));
    codes[i] = vorrq_u8(codes[i], vandq_u8(shifted(plane, to - i / 2 % 4 * 2), bits));
  }
}

// The codes less `offset`, as signed numbers.
inline void subtract_offset(const uint8x16_t codes[16], int offset, int8x16_t w[16]) {
  const uint8x16_t offsets = vdupq_n_u8(static_cast<uint8_t>(offset));
  for (int i = 0; i < 16; ++i) w[i] = vreinterpretq_s8_u8(vsubq_u8(codes[i], offsets));
}

// The values of quant/code_values.h, whose own arrays a kernel file would define once more.
constexpr int8_t kIq4[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                             1,    13,   25,  38,  53,  69,  89,  113};
constexpr int8_t kIq3XxsHalves[16] = {-31, -26, -22, -18, -14, -10, -6, -2,
                                      2,   6,   10,  14,  18,  22,  26, 31};
constexpr int8_t kIq3S[16] = {-15, -13, -11, -9, -7, -5, -3, -1, 1, 3, 5, 7, 9, 11, 13, 15};
constexpr int8_t kMxfp4[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

// Each code, all below 16, as the value of `table` that it counts.
inline void look_up(const int8_t table[16], const uint8x16_t codes[16], int8x16_t w[16]) {
  const int8x16_t values = vld1q_s8(table);
  for (int i = 0; i < 16; ++i) w[i] = vqtbl1q_s8(values, codes[i]);
}

// How four products side by side are added to a 32-bit lane, and whether two activation rows go
// together.
struct PlainDot {
  static constexpr bool kTakesTwoRows = false;
  // Two products stay below 2^15: 2 * 128 * 127 = 32512.
  static int32x4_t add(int32x4_t sums, int8x16_t w, int8x16_t a) {
    const int16x8_t low = vmull_s8(vget_low_s8(w), vget_low_s8(a));
    const int16x8_t high = vmull_high_s8(w, a);
    return vpadalq_s16(sums, vpaddq_s16(low, high));
  }
};

#ifdef __ARM_FEATURE_DOTPROD
struct DotProduct {
  static constexpr bool kTakesTwoRows = false;
  static int32x4_t add(int32x4_t sums, int8x16_t w, int8x16_t a) { return vdotq_s32(sums, w, a); }
};
#endif

#ifdef __ARM_FEATURE_MATMUL_INT8
struct MatrixProduct : DotProduct {
  static constexpr bool kTakesTwoRows = true;
};
#endif

// The sums of a row's products with 8 kGroups activations, of registers w[0] to w[4 kGroups - 1].
template <class Dot, int kGroups>
inline RowInts dot(const int8x16_t* w, const int8_t* a) {
  int32x4_t sums[4] = {};
  for (int q = 0; q < kGroups; ++q) {
    const int8x8_t eight = vld1_s8(a + 8 * q);
    const int8x16_t twice = vcombine_s8(eight, eight);
    for (int i = 0; i < 4; ++i) sums[i] = Dot::add(sums[i], w[4 * q + i], twice);
  }
  return {vpaddq_s32(sums[0], sums[2]), vpaddq_s32(sums[1], sums[3])};
}

#ifdef __ARM_FEATURE_MATMUL_INT8
struct TwoRowInts {
  RowInts first, second;
};

// The same for two activation rows, the second 32 bytes after the first: an instruction multiplies
// two weight rows with both.
template <int kGroups>
inline TwoRowInts dot_two(const int8x16_t* w, const int8_t* a) {
  int32x4_t sums[4] = {};  // lanes: weight row r with the first, with the second; r + 1 likewise
  for (int q = 0; q < kGroups; q += 2) {
    const int64x2_t first = vreinterpretq_s64_s8(vld1q_s8(a + 8 * q));
    const int64x2_t second = vreinterpretq_s64_s8(vld1q_s8(a + 32 + 8 * q));
    const int8x16_t even = vreinterpretq_s8_s64(vzip1q_s64(first, second));
    const int8x16_t odd = vreinterpretq_s8_s64(vzip2q_s64(first, second));
    for (int i = 0; i < 4; ++i) sums[i] = vmmlaq_s32(sums[i], w[4 * q + i], even);
    for (int i = 0; i < 4; ++i) sums[i] = vmmlaq_s32(sums[i], w[4 * q + 4 + i], odd);
  }
  return {{vuzp1q_s32(sums[0], sums[2]), vuzp1q_s32(sums[1], sums[3])},
          {vuzp2q_s32(sums[0], sums[2]), vuzp2q_s32(sums[1], sums[3])}};
}
#endif

}  // namespace
}  // namespace hearth::compute::cpu
