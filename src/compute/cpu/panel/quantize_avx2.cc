// Rows of floats to 8-bit codes, as compute/activation.h defines them, bit for bit.
#include "compute/cpu/panel/kernels.h"
#include "compute/cpu/panel/vectors_avx2.h"

namespace hearth::compute::cpu {
namespace {

inline float round_to_half(float value) {
  return _cvtsh_ss(_cvtss_sh(value, _MM_FROUND_TO_NEAREST_INT));
}

inline bool is_finite(float value) { return __builtin_isfinite(value); }

inline __m256 magnitudes(__m256 x) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x); }

inline float max_lane(__m256 x) {
  __m128 m = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  m = _mm_max_ps(m, _mm_movehl_ps(m, m));
  return _mm_cvtss_f32(_mm_max_ss(m, _mm_movehdup_ps(m)));
}

// True if no lane is NaN or infinite: 0 * x is 0 then.
inline bool all_finite(__m256 zeros) {
  return _mm256_movemask_ps(_mm256_cmp_ps(zeros, zeros, _CMP_UNORD_Q)) == 0;
}

// round(x * factor) of 32 floats as bytes in order; those past 127 end at 127.
inline __m256i round_codes(const float* values, __m256 factor) {
  __m256i words[4];
  for (int i = 0; i < 4; ++i) {
    const __m256 scaled = _mm256_mul_ps(_mm256_loadu_ps(values + 8 * i), factor);
    words[i] = _mm256_cvtps_epi32(scaled);
  }
  const __m256i low = _mm256_packs_epi32(words[0], words[1]);
  const __m256i high = _mm256_packs_epi32(words[2], words[3]);
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  return _mm256_permutevar8x32_epi32(_mm256_packs_epi16(low, high), order);
}

// Sums of columns k with k % 4 < 2 (low word) and of the others (high word) in each half of 16.
struct WordSums {
  explicit WordSums(__m256i codes) {
    __m256i words = _mm256_maddubs_epi16(_mm256_set1_epi8(1), codes);
    words = _mm256_add_epi16(words, _mm256_shuffle_epi32(words, 0x4E));
    words = _mm256_add_epi16(words, _mm256_shuffle_epi32(words, 0xB1));
    first = _mm256_castsi256_si128(words);
    second = _mm256_extracti128_si256(words, 1);
  }
  __m128i first, second;
};

// -32 times the sums of columns k with k % 8 < 4, and of the others, of each half of 16.
inline __m128i lane_offsets(__m256i codes) {
  const __m256i words = _mm256_maddubs_epi16(_mm256_set1_epi8(1), codes);
  const __m256i fours = _mm256_madd_epi16(words, _mm256_set1_epi16(-32));
  const __m256i sums = _mm256_add_epi32(fours, _mm256_shuffle_epi32(fours, 0x4E));
  return _mm_unpacklo_epi64(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
}

inline int32_t sum_words(__m128i words) {
  const int32_t pair = _mm_cvtsi128_si32(words);
  return static_cast<int16_t>(pair) + (pair >> 16);
}

}  // namespace

void quantize_row_q8x32_avx2(const float* values, const QuantizedRow& target) {
  const QuantizedRow row = target;
  for (int64_t b = 0; b < row.n_blocks; ++b, values += 32) {
    const int64_t at = b * row.stride;
    __m256 top = _mm256_setzero_ps(), zeros = _mm256_setzero_ps();
    for (int i = 0; i < 4; ++i) {
      const __m256 x = _mm256_loadu_ps(values + 8 * i);
      top = _mm256_max_ps(top, magnitudes(x));
      zeros = _mm256_add_ps(zeros, _mm256_mul_ps(x, _mm256_setzero_ps()));
    }
    const float magnitude = max_lane(top), factor = 127.0f / magnitude;
    const bool finite = all_finite(zeros), usable = finite && is_finite(factor);
    const __m256i codes =
        usable ? round_codes(values, _mm256_set1_ps(factor)) : _mm256_setzero_si256();
    const WordSums sums(codes);
    const __m128i words = _mm_add_epi16(sums.first, sums.second);
    const float d = finite ? magnitude / 127.0f : __builtin_nanf("");
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(row.codes + 32 * at), codes);
    row.scales[at] = round_to_half(d);
    row.scaled_sums[at] = finite ? round_to_half(d * static_cast<float>(sum_words(words))) : d;
    row.offsets_8[at] = _mm_cvtsi128_si32(_mm_slli_epi16(words, 3));
    row.offsets_16[at] = _mm_cvtsi128_si32(_mm_slli_epi16(words, 4));
  }
}

void quantize_row_q8x256_avx2(const float* values, const QuantizedRow& target) {
  const QuantizedRow row = target;
  for (int64_t b = 0; b < row.n_blocks; ++b, values += 256) {
    __m256 most = _mm256_setzero_ps(), least = _mm256_setzero_ps(), zeros = _mm256_setzero_ps();
    for (int i = 0; i < 32; ++i) {
      const __m256 x = _mm256_loadu_ps(values + 8 * i);
      most = _mm256_max_ps(most, x);
      least = _mm256_max_ps(least, _mm256_sub_ps(_mm256_setzero_ps(), x));
      zeros = _mm256_add_ps(zeros, _mm256_mul_ps(x, _mm256_setzero_ps()));
    }
    const float top = max_lane(most), bottom = max_lane(least);
    float extreme = top > bottom ? top : -bottom;
    if (top == bottom) {  // the first one of the two decides the sign
      for (int i = 0; i < 256; ++i) {
        if (values[i] == top || values[i] == -top) {
          extreme = values[i];
          break;
        }
      }
    }
    const bool finite = all_finite(zeros);
    const float factor = -127.0f / extreme;
    const bool usable = finite && is_finite(factor);
    row.scales[b * row.stride] = usable ? 1.0f / factor : finite ? 0.0f : __builtin_nanf("");
    for (int j = 0; j < 8; ++j) {
      const int64_t at = (8 * b + j) * row.stride;
      const __m256i codes =
          usable ? round_codes(values + 32 * j, _mm256_set1_ps(factor)) : _mm256_setzero_si256();
      const WordSums sums(codes);
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(row.codes + 32 * at), codes);
      row.offsets_32[2 * at] = _mm_cvtsi128_si32(_mm_slli_epi16(sums.first, 5));
      row.offsets_32[2 * at + 1] = _mm_cvtsi128_si32(_mm_slli_epi16(sums.second, 5));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(row.lane_offsets + 4 * at), lane_offsets(codes));
      row.sums_32[8 * b * row.stride + j] =
          static_cast<int16_t>(sum_words(_mm_add_epi16(sums.first, sums.second)));
    }
  }
}

}  // namespace hearth::compute::cpu
