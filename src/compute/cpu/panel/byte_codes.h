// The values that codes are looked up as, made unsigned bytes, for kernels that multiply whole
// bytes. Everything has internal linkage.
#pragma once

#include <cstdint>

namespace hearth::compute::cpu {

// IQ4_NL and IQ4_XS plus 128.
constexpr uint8_t kIq4Plus128[16] = {1,   24,  45,  63,  79,  93,  106, 118,
                                     129, 141, 153, 166, 181, 197, 217, 241};

// Halves of IQ3_XXS plus 32.
constexpr uint8_t kIq3XxsPlus32[16] = {1,  6,  10, 14, 18, 22, 26, 30,
                                       34, 38, 42, 46, 50, 54, 58, 63};

// MXFP4 plus 16.
constexpr uint8_t kMxfp4Plus16[16] = {16, 17, 18, 19, 20, 22, 24, 28, 16, 15, 14, 13, 12, 10, 8, 4};

}  // namespace hearth::compute::cpu
