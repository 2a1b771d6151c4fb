// Eight floats at once as two registers, for the NEON kernel files alone: the names of
// floats8_avx2.h.
#pragma once

#include "compute/cpu/vector_math_neon.h"

namespace hearth::compute::cpu {
namespace {

struct Floats8 {
  static constexpr int kLanes = 8;
  float32x4_t low, high;

  static Floats8 zero() { return broadcast(0); }
  static Floats8 broadcast(float value) { return {vdupq_n_f32(value), vdupq_n_f32(value)}; }
  static Floats8 load(const float* from) { return {vld1q_f32(from), vld1q_f32(from + 4)}; }
  static Floats8 load(const uint16_t* halves) {
    const float16x8_t both = vreinterpretq_f16_u16(vld1q_u16(halves));
    return {vcvt_f32_f16(vget_low_f16(both)), vcvt_high_f32_f16(both)};
  }
  static Floats8 load(const int8_t* integers) {
    const int16x8_t both = vmovl_s8(vld1_s8(integers));
    return {vcvtq_f32_s32(vmovl_s16(vget_low_s16(both))), vcvtq_f32_s32(vmovl_high_s16(both))};
  }
  void store(float* to) const {
    vst1q_f32(to, low);
    vst1q_f32(to + 4, high);
  }

  Floats8 plus(Floats8 other) const {
    return {vaddq_f32(low, other.low), vaddq_f32(high, other.high)};
  }
  Floats8 minus(Floats8 other) const {
    return {vsubq_f32(low, other.low), vsubq_f32(high, other.high)};
  }
  Floats8 times(Floats8 other) const {
    return {vmulq_f32(low, other.low), vmulq_f32(high, other.high)};
  }
  // The number where one of both is NaN.
  Floats8 or_larger(Floats8 other) const {
    return {vmaxnmq_f32(low, other.low), vmaxnmq_f32(high, other.high)};
  }
  Floats8 plus_product(Floats8 a, Floats8 b) const {
    return {vfmaq_f32(low, a.low, b.low), vfmaq_f32(high, a.high, b.high)};
  }
  Floats8 exponential() const { return {exp4(low), exp4(high)}; }
  Floats8 hyperbolic_tangent() const { return {tanh4(low), tanh4(high)}; }
  Floats8 keep(int begin, int end, float other, int lane_0 = 0) const {
    return {keep4(low, begin - lane_0, end - lane_0, other),
            keep4(high, begin - lane_0 - 4, end - lane_0 - 4, other)};
  }
  float first() const { return vgetq_lane_f32(low, 0); }
  float sum() const { return sum8(low, high); }
  float largest() const { return vmaxnmvq_f32(vmaxnmq_f32(low, high)); }

 private:
  static float32x4_t keep4(float32x4_t x, int begin, int end, float other) {
    constexpr int32_t kLanesOf4[4] = {0, 1, 2, 3};
    const int32x4_t lane = vld1q_s32(kLanesOf4);
    const uint32x4_t hidden =
        vorrq_u32(vcltq_s32(lane, vdupq_n_s32(begin)), vcgeq_s32(lane, vdupq_n_s32(end)));
    return vbslq_f32(hidden, vdupq_n_f32(other), x);
  }
};

}  // namespace
}  // namespace hearth::compute::cpu
