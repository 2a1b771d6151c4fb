// Conversion of a float to an integer code that no input makes undefined.
#pragma once

#include <cstdint>
#include <limits>

namespace hearth::quant {

// Towards zero. NaN and values outside of int32_t give its least value, which is what x86 gives:
// blocks that hold them get the codes that GGML gives them there.
inline int32_t truncate(float value) {
  if (value >= -0x1p31f && value < 0x1p31f) return static_cast<int32_t>(value);
  return std::numeric_limits<int32_t>::min();
}

}  // namespace hearth::quant
