#include "lab/read_stream.h"

#include <cstring>

namespace hearth::lab {

uint64_t read_stream_portable(const std::byte* bytes, size_t n_bytes) {
  uint64_t sums[8] = {};
  for (size_t i = 0; i < n_bytes; i += sizeof sums) {
    uint64_t words[8];
    std::memcpy(words, bytes + i, sizeof words);
    for (size_t lane = 0; lane < 8; ++lane) sums[lane] ^= words[lane];
  }
  return sums[0] ^ sums[1] ^ sums[2] ^ sums[3] ^ sums[4] ^ sums[5] ^ sums[6] ^ sums[7];
}

#if !defined(__x86_64__)
uint64_t read_stream_avx2(const std::byte* bytes, size_t n_bytes) {
  return read_stream_portable(bytes, n_bytes);
}
#endif

}  // namespace hearth::lab
