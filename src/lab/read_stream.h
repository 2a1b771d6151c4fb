// Reading memory and nothing else. Plain types only: read_stream_avx2.cc includes this.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hearth::lab {

// A number that depends on every byte, so that no load can be left out. `bytes` is 64-byte aligned,
// n_bytes a multiple of 256.
uint64_t read_stream_portable(const std::byte* bytes, size_t n_bytes);
uint64_t read_stream_avx2(const std::byte* bytes, size_t n_bytes);  // portable where there is none

}  // namespace hearth::lab
