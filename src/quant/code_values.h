// The values of 4-bit codes that are not evenly spaced, shared with the kernels.
#pragma once

#include <cstdint>

namespace hearth::quant {

// IQ4_NL and IQ4_XS: closer together near 0, as weights are.
inline constexpr int8_t kIq4Values[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                          1,    13,   25,  38,  53,  69,  89,  113};

// IQ3_XXS with one code for magnitude and sign: half its values.
inline constexpr int8_t kIq3XxsHalves[16] = {-31, -26, -22, -18, -14, -10, -6, -2,
                                             2,   6,   10,  14,  18,  22,  26, 31};

// MXFP4: twice the value of an E2M1 float (s ee m).
inline constexpr int8_t kMxfp4Values[16] = {0, 1,  2,  3,  4,  6,  8,  12,
                                            0, -1, -2, -3, -4, -6, -8, -12};

}  // namespace hearth::quant
