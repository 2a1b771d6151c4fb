// 256 bytes a round. Scalar loads reach half of what one Zen 5 core can read (23 of 45 GB/s);
// 64-byte loads no more than these. The prefetch crosses into the next pages, which the hardware
// does not.
#include "lab/read_stream.h"

#if defined(__x86_64__)

#include <immintrin.h>

namespace hearth::lab {

uint64_t read_stream_avx2(const std::byte* bytes, size_t n_bytes) {
  constexpr size_t kAhead = 8192;
  __m256i sums[8];
  for (__m256i& sum : sums) sum = _mm256_setzero_si256();
  for (size_t i = 0; i < n_bytes; i += sizeof sums) {
    const std::byte* from = bytes + i;
    for (size_t line = 0; line < sizeof sums; line += 64) {
      _mm_prefetch(reinterpret_cast<const char*>(from) + kAhead + line, _MM_HINT_T0);
    }
    for (size_t lane = 0; lane < 8; ++lane) {
      const auto* word = reinterpret_cast<const __m256i*>(from + 32 * lane);
      sums[lane] = _mm256_xor_si256(sums[lane], _mm256_load_si256(word));
    }
  }
  for (size_t lane = 1; lane < 8; ++lane) sums[0] = _mm256_xor_si256(sums[0], sums[lane]);
  const __m128i half =
      _mm_xor_si128(_mm256_castsi256_si128(sums[0]), _mm256_extracti128_si256(sums[0], 1));
  return static_cast<uint64_t>(_mm_cvtsi128_si64(half)) ^
         static_cast<uint64_t>(_mm_extract_epi64(half, 1));
}

}  // namespace hearth::lab

#endif
