// Eight floats at once, for the kernel files alone: what their templates ask of a vector.
#pragma once

#include "compute/cpu/vector_math_avx2.h"

namespace hearth::compute::cpu {
namespace {

struct Floats8 {
  static constexpr int kLanes = 8;
  __m256 x;

  static Floats8 zero() { return {_mm256_setzero_ps()}; }
  static Floats8 broadcast(float value) { return {_mm256_set1_ps(value)}; }
  static Floats8 load(const float* from) { return {_mm256_loadu_ps(from)}; }
  static Floats8 load(const uint16_t* halves) {
    return {_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(halves)))};
  }
  static Floats8 load(const int8_t* integers) {
    const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(integers));
    return {_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes))};
  }
  void store(float* to) const { _mm256_storeu_ps(to, x); }

  Floats8 plus(Floats8 other) const { return {_mm256_add_ps(x, other.x)}; }
  Floats8 minus(Floats8 other) const { return {_mm256_sub_ps(x, other.x)}; }
  Floats8 times(Floats8 other) const { return {_mm256_mul_ps(x, other.x)}; }
  // `other` where either is NaN.
  Floats8 or_larger(Floats8 other) const { return {_mm256_max_ps(x, other.x)}; }
  // this + a b, rounded once.
  Floats8 plus_product(Floats8 a, Floats8 b) const { return {_mm256_fmadd_ps(a.x, b.x, x)}; }
  Floats8 exponential() const { return {exp8(x)}; }
  Floats8 hyperbolic_tangent() const { return {tanh8(x)}; }
  // Lanes [begin, end) as they are, `other` in the rest; the first lane counts as `lane_0`.
  Floats8 keep(int begin, int end, float other, int lane_0 = 0) const {
    const __m256i lane =
        _mm256_add_epi32(_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), _mm256_set1_epi32(lane_0));
    const __m256i hidden = _mm256_or_si256(_mm256_cmpgt_epi32(_mm256_set1_epi32(begin), lane),
                                           _mm256_cmpgt_epi32(lane, _mm256_set1_epi32(end - 1)));
    return {_mm256_blendv_ps(x, _mm256_set1_ps(other), _mm256_castsi256_ps(hidden))};
  }
  float first() const { return _mm256_cvtss_f32(x); }
  float sum() const { return sum8(x); }
  float largest() const { return max8(x); }
};

}  // namespace
}  // namespace hearth::compute::cpu
