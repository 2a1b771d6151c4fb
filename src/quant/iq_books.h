// The code books of iq_grid.h spelled out for kernels that look entries up: plain arrays alone, as
// files of one instruction set include this.
#pragma once

#include <cstdint>

namespace hearth::quant {

// Eight values an entry, value k in byte k.
template <int n>
struct Book8 {
  uint64_t entries[n];
};
// Four.
template <int n>
struct Book4 {
  uint32_t entries[n];
};

extern const Book8<2048> kIq1Book;  // 16 + 8 * value; the others hold magnitudes
extern const Book8<256> kIq2XxsBook;
extern const Book8<512> kIq2XsBook;
extern const Book8<1024> kIq2SBook;
extern const Book4<256> kIq3XxsBook;
extern const Book4<512> kIq3SBook;

}  // namespace hearth::quant
