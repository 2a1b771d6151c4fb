// e^x and its inverse in plain IEEE double arithmetic: the same bits on every platform, unlike a
// libm's, so that a seed gives the same tokens everywhere.
#pragma once

#include <bit>
#include <cstdint>

namespace hearth::engine {

// Two at a time, which every 64-bit CPU has in one instruction; both lanes as if alone.
using DoublePair = double __attribute__((vector_size(16)));
using BitsPair = uint64_t __attribute__((vector_size(16)));

// Within 2 ulp. x <= 709; below -708 (and for -infinity): 0.
inline DoublePair exponential(DoublePair x) {
  const DoublePair shifted = x * 1.4426950408889634 + 0x1.8p52;  // rounds to a whole number
  const DoublePair n = shifted - 0x1.8p52;
  const DoublePair r = (x - n * 0x1.62e42fefa38p-1) - n * 0x1.ef35793c7673p-45;  // <= ln(2) / 2
  DoublePair sum = r * (1.0 / 6227020800.0) + 1.0 / 479001600.0;                 // Taylor, to r^13
  sum = sum * r + 1.0 / 39916800.0;
  sum = sum * r + 1.0 / 3628800.0;
  sum = sum * r + 1.0 / 362880.0;
  sum = sum * r + 1.0 / 40320.0;
  sum = sum * r + 1.0 / 5040.0;
  sum = sum * r + 1.0 / 720.0;
  sum = sum * r + 1.0 / 120.0;
  sum = sum * r + 1.0 / 24.0;
  sum = sum * r + 1.0 / 6.0;
  sum = sum * r + 0.5;
  sum = sum * r + 1.0;
  sum = sum * r + 1.0;
  // The low bits of `shifted` are n: 2^n is n + 1023 in the place of the exponent.
  const BitsPair exponent = (std::bit_cast<BitsPair>(shifted) + 1023) << 52;
  const DoublePair power = sum * std::bit_cast<DoublePair>(exponent);
  const BitsPair in_range = std::bit_cast<BitsPair>(x > -708.0);
  return std::bit_cast<DoublePair>(std::bit_cast<BitsPair>(power) & in_range);
}

inline double exponential(double x) { return exponential(DoublePair{x, x})[0]; }

// Within 4 ulp, or 1e-16 near 1. x is finite, above 0 and no subnormal.
inline double logarithm(double x) {
  const uint64_t bits = std::bit_cast<uint64_t>(x);
  const auto n = static_cast<double>(static_cast<int64_t>(bits >> 52) - 1023);
  const double fraction = std::bit_cast<double>((bits & 0xFFFFFFFFFFFFF) | 0x3FF0000000000000);
  // ln(f) by Halley's method on e^y = f, from within 0.35 of it: the error cubes each time.
  double y = fraction > 0x1.6a09e667f3bcdp0 ? 0.6931471805599453 : 0.0;
  for (int i = 0; i < 4; ++i) {
    const double power = exponential(y);
    y += 2 * ((fraction - power) / (fraction + power));
  }
  return n * 0.6931471805599453 + y;
}

}  // namespace hearth::engine
