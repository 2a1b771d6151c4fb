// Sixteen floats at once as two of Floats8, which the including file has included before, for the
// kernel files of AVX2 and NEON alone. floats16_avx512.h has the same names, so that one template
// serves every instruction set.
#pragma once

namespace hearth::compute::cpu {
namespace {

struct Floats16 {
  static constexpr int kLanes = 16;
  Floats8 low, high;

  static Floats16 zero() { return {Floats8::zero(), Floats8::zero()}; }
  static Floats16 broadcast(float value) {
    return {Floats8::broadcast(value), Floats8::broadcast(value)};
  }
  template <class T>
  static Floats16 load(const T* from) {
    return {Floats8::load(from), Floats8::load(from + 8)};
  }
  void store(float* to) const {
    low.store(to);
    high.store(to + 8);
  }

  Floats16 plus(Floats16 other) const { return {low.plus(other.low), high.plus(other.high)}; }
  Floats16 minus(Floats16 other) const { return {low.minus(other.low), high.minus(other.high)}; }
  Floats16 times(Floats16 other) const { return {low.times(other.low), high.times(other.high)}; }
  Floats16 or_larger(Floats16 other) const {
    return {low.or_larger(other.low), high.or_larger(other.high)};
  }
  Floats16 plus_product(Floats16 a, Floats16 b) const {
    return {low.plus_product(a.low, b.low), high.plus_product(a.high, b.high)};
  }
  Floats16 exponential() const { return {low.exponential(), high.exponential()}; }
  Floats16 hyperbolic_tangent() const {
    return {low.hyperbolic_tangent(), high.hyperbolic_tangent()};
  }
  Floats16 keep(int begin, int end, float other) const {
    return {low.keep(begin, end, other), high.keep(begin, end, other, 8)};
  }
  float sum() const { return low.plus(high).sum(); }
  float largest() const { return low.or_larger(high).largest(); }
};

}  // namespace
}  // namespace hearth::compute::cpu
