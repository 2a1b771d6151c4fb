// exp and its kin on 4 floats, for the NEON kernel files alone.
#pragma once

#include <arm_neon.h>
#include <stdint.h>

namespace hearth::compute::cpu {
namespace {

// e^x to about 1 ulp; exactly 1 for 0, 0 below -87.3, e^88 above 88, NaN for NaN.
// x = n ln 2 + r, |r| <= ln 2 / 2; the Taylor sum to r^7 errs by 5e-9.
[[maybe_unused]] inline float32x4_t exp4(float32x4_t x) {
  const uint32x4_t underflow = vcltq_f32(x, vdupq_n_f32(-87.3f));
  x = vmaxq_f32(vdupq_n_f32(-87.3f), vminq_f32(vdupq_n_f32(88.0f), x));  // both keep a NaN
  const float32x4_t n = vrndnq_f32(vmulq_n_f32(x, 1.44269504f));
  // ln 2 in two parts, the first with trailing zeros so that n times it is exact.
  float32x4_t r = vfmsq_f32(x, n, vdupq_n_f32(0.693359375f));
  r = vfmsq_f32(r, n, vdupq_n_f32(-2.12194440e-4f));
  float32x4_t p = vdupq_n_f32(1.0f / 5040);
  p = vfmaq_f32(vdupq_n_f32(1.0f / 720), p, r);
  p = vfmaq_f32(vdupq_n_f32(1.0f / 120), p, r);
  p = vfmaq_f32(vdupq_n_f32(1.0f / 24), p, r);
  p = vfmaq_f32(vdupq_n_f32(1.0f / 6), p, r);
  p = vfmaq_f32(vdupq_n_f32(0.5f), p, r);
  p = vfmaq_f32(vdupq_n_f32(1.0f), p, r);
  p = vfmaq_f32(vdupq_n_f32(1.0f), p, r);
  const int32x4_t exponent = vshlq_n_s32(vaddq_s32(vcvtnq_s32_f32(n), vdupq_n_s32(127)), 23);
  const float32x4_t power = vmulq_f32(p, vreinterpretq_f32_s32(exponent));
  return vreinterpretq_f32_u32(vbicq_u32(vreinterpretq_u32_f32(power), underflow));
}

// 1 / (1 + e^-x)
[[maybe_unused]] inline float32x4_t sigmoid4(float32x4_t x) {
  const float32x4_t one = vdupq_n_f32(1.0f);
  return vdivq_f32(one, vaddq_f32(one, exp4(vnegq_f32(x))));
}

// Absolute error below 1e-7.
[[maybe_unused]] inline float32x4_t tanh4(float32x4_t x) {
  const float32x4_t one = vdupq_n_f32(1.0f);
  const float32x4_t e = exp4(vaddq_f32(x, x));
  return vsubq_f32(one, vdivq_f32(vdupq_n_f32(2.0f), vaddq_f32(e, one)));
}

// Sum of 8 lanes in one fixed order.
[[maybe_unused]] inline float sum8(float32x4_t low, float32x4_t high) {
  return vaddvq_f32(vaddq_f32(low, high));
}

}  // namespace
}  // namespace hearth::compute::cpu
