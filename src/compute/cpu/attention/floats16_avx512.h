// Sixteen floats at once in one register, for the AVX-512 kernel files alone: floats16_pair.h with
// the bits of AVX2 in every lane.
#pragma once

#include "compute/cpu/attention/floats8_avx2.h"

namespace hearth::compute::cpu {
namespace {

struct Floats16 {
  static constexpr int kLanes = 16;
  __m512 x;

  static Floats16 zero() { return {_mm512_setzero_ps()}; }
  static Floats16 broadcast(float value) { return {_mm512_set1_ps(value)}; }
  static Floats16 load(const float* from) { return {_mm512_loadu_ps(from)}; }
  static Floats16 load(const uint16_t* halves) {
    return {_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(halves)))};
  }
  static Floats16 load(const int8_t* integers) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(integers));
    return {_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes))};
  }
  void store(float* to) const { _mm512_storeu_ps(to, x); }

  Floats16 plus(Floats16 other) const { return {_mm512_add_ps(x, other.x)}; }
  Floats16 minus(Floats16 other) const { return {_mm512_sub_ps(x, other.x)}; }
  Floats16 times(Floats16 other) const { return {_mm512_mul_ps(x, other.x)}; }
  Floats16 or_larger(Floats16 other) const { return {_mm512_max_ps(x, other.x)}; }
  Floats16 plus_product(Floats16 a, Floats16 b) const { return {_mm512_fmadd_ps(a.x, b.x, x)}; }
  Floats16 keep(int begin, int end, float other) const {
    const uint32_t mask = (uint32_t{1} << end) - (uint32_t{1} << begin);
    return {_mm512_mask_mov_ps(_mm512_set1_ps(other), static_cast<__mmask16>(mask), x)};
  }

  // The steps of exp8.
  Floats16 exponential() const {
    const __mmask16 is_normal = _mm512_cmp_ps_mask(x, _mm512_set1_ps(-87.3f), _CMP_NLT_UQ);
    const __m512 a = _mm512_max_ps(_mm512_set1_ps(-87.3f), _mm512_min_ps(_mm512_set1_ps(88.0f), x));
    const __m512 n = _mm512_roundscale_ps(_mm512_mul_ps(a, _mm512_set1_ps(1.44269504f)),
                                          _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    __m512 r = _mm512_fnmadd_ps(n, _mm512_set1_ps(0.693359375f), a);
    r = _mm512_fnmadd_ps(n, _mm512_set1_ps(-2.12194440e-4f), r);
    __m512 p = _mm512_set1_ps(1.0f / 5040);
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.0f / 720));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.0f / 120));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.0f / 24));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.0f / 6));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0.5f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.0f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.0f));
    return {_mm512_maskz_scalef_ps(is_normal, p, n)};
  }
  // The steps of tanh8.
  Floats16 hyperbolic_tangent() const {
    const __m512 one = _mm512_set1_ps(1.0f);
    const __m512 e = Floats16{_mm512_add_ps(x, x)}.exponential().x;
    return {_mm512_sub_ps(one, _mm512_div_ps(_mm512_set1_ps(2.0f), _mm512_add_ps(e, one)))};
  }

  float sum() const { return sum8(_mm256_add_ps(half(0), half(1))); }
  float largest() const { return max8(_mm256_max_ps(half(0), half(1))); }

 private:
  __m256 half(int which) const {
    return which == 0 ? _mm512_castps512_ps256(x) : _mm512_extractf32x8_ps(x, 1);
  }
};

}  // namespace
}  // namespace hearth::compute::cpu
