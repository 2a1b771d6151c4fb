// e^x in plain IEEE double arithmetic: the same bits on every platform, unlike a libm's, so that a
// seed gives the same tokens everywhere. Within 2 ulp of the true value.
#pragma once

#include <bit>
#include <cstdint>

namespace hearth::engine {

// x <= 709; below -708 (and for -infinity): 0.
inline double exponential(double x) {
  if (!(x > -708.0)) return 0.0;
  const double shifted = x * 1.4426950408889634 + 0x1.8p52;  // rounds to the nearest whole number
  const double n = shifted - 0x1.8p52;
  const double r = (x - n * 0x1.62e42fefa38p-1) - n * 0x1.ef35793c7673p-45;  // |r| <= ln(2) / 2
  double sum = 1.0 / 6227020800.0;                                           // Taylor, to r^13
  sum = sum * r + 1.0 / 479001600.0;
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
  const auto exponent = static_cast<int64_t>(n) + 1023;
  return sum * std::bit_cast<double>(static_cast<uint64_t>(exponent) << 52);
}

}  // namespace hearth::engine
