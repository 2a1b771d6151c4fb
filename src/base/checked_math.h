// Unsigned arithmetic that reports a wrap instead of hiding it.
#pragma once

#include <concepts>
#include <optional>

namespace hearth {

template <std::unsigned_integral T>
constexpr std::optional<T> checked_add(T a, T b) {
  T sum;
  if (__builtin_add_overflow(a, b, &sum)) return std::nullopt;
  return sum;
}

template <std::unsigned_integral T>
constexpr std::optional<T> checked_mul(T a, T b) {
  T product;
  if (__builtin_mul_overflow(a, b, &product)) return std::nullopt;
  return product;
}

// The least multiple of `step` that is not below `value`. step > 0.
template <std::unsigned_integral T>
constexpr std::optional<T> checked_round_up(T value, T step) {
  const T rest = value % step;
  return rest == 0 ? std::optional<T>(value) : checked_add<T>(value, step - rest);
}

}  // namespace hearth
