// The code books of iq_grid.h with eight values an entry, spelled out for kernels that look entries
// up: plain arrays alone, as files of one instruction set include this.
#pragma once

#include <cstdint>

namespace hearth::quant {

// Eight values an entry, value k in byte k.
template <int n>
struct Book8 {
  uint64_t entries[n];
};

extern const Book8<2048> kIq1Book;  // 16 + 8 * value; the others hold magnitudes
extern const Book8<256> kIq2XxsBook;
extern const Book8<512> kIq2XsBook;
extern const Book8<1024> kIq2SBook;

}  // namespace hearth::quant
