#include "compute/activation.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/half.h"

namespace hearth::compute {
namespace {

// |value| <= 2^22. Adding 1.5 * 2^23 leaves the rounded integer in the low mantissa bits.
int32_t round_half_even(float value) {
  return std::bit_cast<int32_t>(value + 0x1.8p23f) - std::bit_cast<int32_t>(0x1.8p23f);
}

struct Extreme {
  float value = 0;      // of largest magnitude, the first one of equals
  float magnitude = 0;  // NaN or infinity if any value is
};

Extreme find_extreme(const float* values, int n) {
  Extreme found;
  float poison = 0;  // 0 * x sums to NaN as soon as one x is not finite
  for (int i = 0; i < n; ++i) {
    const float magnitude = std::fabs(values[i]);
    poison += 0.0f * values[i];
    if (magnitude > found.magnitude) found = {values[i], magnitude};
  }
  found.magnitude += poison;
  return found;
}

}  // namespace

ActivationFormat activation_format(quant::Type type) {
  using quant::Type;
  switch (type) {
    case Type::kF32:
    case Type::kF16:
    case Type::kBF16:
    case Type::kF64:
    case Type::kI8:
    case Type::kI16:
    case Type::kI32:
    case Type::kI64: return ActivationFormat::kF32;
    case Type::kQ4_0:
    case Type::kQ4_1:
    case Type::kQ5_0:
    case Type::kQ5_1:
    case Type::kQ8_0:
    case Type::kIQ4_NL:
    case Type::kMXFP4: return ActivationFormat::kQ8x32;
    case Type::kQ2_K:
    case Type::kQ3_K:
    case Type::kQ4_K:
    case Type::kQ5_K:
    case Type::kQ6_K:
    case Type::kIQ2_XXS:
    case Type::kIQ2_XS:
    case Type::kIQ3_XXS:
    case Type::kIQ1_S:
    case Type::kIQ3_S:
    case Type::kIQ2_S:
    case Type::kIQ4_XS:
    case Type::kIQ1_M:
    case Type::kTQ1_0:
    case Type::kTQ2_0: return ActivationFormat::kQ8x256;
  }
  return ActivationFormat::kF32;
}

void quantize_q8x32(const float values[32], int8_t codes[32], float* scale, float* scaled_sum) {
  const float magnitude = find_extreme(values, 32).magnitude;
  const float d = magnitude / 127.0f;
  const float inverse = 127.0f / magnitude;
  *scale = half_to_float(float_to_half(d));
  *scaled_sum = 0.0f;
  std::memset(codes, 0, 32);
  if (!std::isfinite(magnitude)) {
    *scale = *scaled_sum = std::numeric_limits<float>::quiet_NaN();
    return;
  }
  if (!std::isfinite(inverse)) return;
  int32_t sum = 0;
  for (int i = 0; i < 32; ++i) {
    const int32_t code = round_half_even(values[i] * inverse);
    codes[i] = static_cast<int8_t>(code);
    sum += code;
  }
  *scaled_sum = half_to_float(float_to_half(d * static_cast<float>(sum)));
}

void quantize_q8x256(const float values[256], int8_t codes[256], float* scale, int16_t sums[16]) {
  const Extreme extreme = find_extreme(values, 256);
  const float inverse = -127.0f / extreme.value;
  *scale = 0.0f;
  std::memset(codes, 0, 256);
  std::memset(sums, 0, 16 * sizeof *sums);
  if (!std::isfinite(extreme.magnitude)) {
    *scale = std::numeric_limits<float>::quiet_NaN();
    return;
  }
  if (!std::isfinite(inverse)) return;
  *scale = 1.0f / inverse;
  for (int i = 0; i < 256; ++i) {
    const int32_t code = std::min(127, round_half_even(values[i] * inverse));
    codes[i] = static_cast<int8_t>(code);
    sums[i / 16] = static_cast<int16_t>(sums[i / 16] + code);
  }
}

}  // namespace hearth::compute
