// Row arithmetic, 8 floats at a time. A short tail runs through the same vector code under a mask,
// so that an element's bits do not depend on where a row is cut.
#include "compute/cpu/row_math.h"

#if defined(__x86_64__)

#include <math.h>

#include "compute/cpu/vector_math_avx2.h"

namespace hearth::compute::cpu {
namespace {

__m256 load_tail(const float* x, int64_t n) { return _mm256_maskload_ps(x, first_lanes(n)); }

// map(i, load, store) on each 8 elements from i, the tail under a mask.
struct Full {
  __m256 load(const float* x) const { return _mm256_loadu_ps(x); }
  void store(float* x, __m256 v) const { _mm256_storeu_ps(x, v); }
};
struct Tail {
  __m256i mask;
  __m256 load(const float* x) const { return _mm256_maskload_ps(x, mask); }
  void store(float* x, __m256 v) const { _mm256_maskstore_ps(x, mask, v); }
};
template <class F>
inline void by_eight(int64_t n, F&& f) {
  int64_t i = 0;
  for (; i + 8 <= n; i += 8) f(i, Full{});
  if (i < n) f(i, Tail{first_lanes(n - i)});
}

double sum_lanes(__m256d low, __m256d high) {
  const __m256d s = _mm256_add_pd(low, high);
  const __m128d t = _mm_add_pd(_mm256_castpd256_pd128(s), _mm256_extractf128_pd(s, 1));
  return _mm_cvtsd_f64(_mm_add_sd(t, _mm_unpackhi_pd(t, t)));
}

__m256d low_half(__m256 x) { return _mm256_cvtps_pd(_mm256_castps256_ps128(x)); }
__m256d high_half(__m256 x) { return _mm256_cvtps_pd(_mm256_extractf128_ps(x, 1)); }

double sum_row(const float* x, int64_t n) {
  __m256d low = _mm256_setzero_pd(), high = _mm256_setzero_pd();
  int64_t i = 0;
  for (; i < n; i += 8) {
    const __m256 v = i + 8 <= n ? _mm256_loadu_ps(x + i) : load_tail(x + i, n - i);
    low = _mm256_add_pd(low, low_half(v));
    high = _mm256_add_pd(high, high_half(v));
  }
  return sum_lanes(low, high);
}

double sum_squares(const float* x, int64_t n, double mean) {
  __m256d low = _mm256_setzero_pd(), high = _mm256_setzero_pd();
  const __m256d m = _mm256_set1_pd(mean);
  int64_t i = 0;
  for (; i + 8 <= n; i += 8) {
    const __m256 v = _mm256_loadu_ps(x + i);
    const __m256d a = _mm256_sub_pd(low_half(v), m), b = _mm256_sub_pd(high_half(v), m);
    low = _mm256_fmadd_pd(a, a, low);
    high = _mm256_fmadd_pd(b, b, high);
  }
  double tail = 0;
  for (; i < n; ++i) tail += (x[i] - mean) * (x[i] - mean);
  return sum_lanes(low, high) + tail;
}

void scale_into(const NormRow& row, float mean, float factor) {
  const __m256 m = _mm256_set1_ps(mean), f = _mm256_set1_ps(factor);
  by_eight(row.n, [&](int64_t i, auto lanes) {
    __m256 v = _mm256_mul_ps(_mm256_sub_ps(lanes.load(row.x + i), m), f);
    if (row.weight != nullptr) v = _mm256_mul_ps(v, lanes.load(row.weight + i));
    if (row.bias != nullptr) v = _mm256_add_ps(v, lanes.load(row.bias + i));
    lanes.store(row.out + i, v);
  });
}

void rms_norm(const NormRow& row) {
  const double mean_square = sum_squares(row.x, row.n, 0) / static_cast<double>(row.n);
  scale_into(row, 0, static_cast<float>(1 / sqrt(mean_square + row.epsilon)));
}

void layer_norm(const NormRow& row) {
  const double n = static_cast<double>(row.n);
  const double mean = sum_row(row.x, row.n) / n;
  const double variance = sum_squares(row.x, row.n, mean) / n;
  scale_into(row, static_cast<float>(mean), static_cast<float>(1 / sqrt(variance + row.epsilon)));
}

void add(float* x, const float* bias, int64_t n) {
  by_eight(n, [&](int64_t i, auto lanes) {
    lanes.store(x + i, _mm256_add_ps(lanes.load(x + i), lanes.load(bias + i)));
  });
}

void add_scaled(float* out, const float* x, float scale, int64_t n) {
  const __m256 s = _mm256_set1_ps(scale);
  by_eight(n, [&](int64_t i, auto lanes) {
    const __m256 scaled = _mm256_mul_ps(lanes.load(x + i), s);
    lanes.store(out + i, _mm256_add_ps(lanes.load(out + i), scaled));
  });
}

void scale_row(float* x, float scale, int64_t n) {
  const __m256 s = _mm256_set1_ps(scale);
  by_eight(n,
           [&](int64_t i, auto lanes) { lanes.store(x + i, _mm256_mul_ps(lanes.load(x + i), s)); });
}

struct Identity {
  __m256 operator()(__m256 x) const { return x; }
};
struct Silu {
  __m256 operator()(__m256 x) const { return _mm256_mul_ps(x, sigmoid8(x)); }
};
// 0.5 x (1 + tanh u) = x sigmoid(2 u)
struct GeluTanh {
  __m256 operator()(__m256 x) const {
    const __m256 cubic =
        _mm256_fmadd_ps(_mm256_mul_ps(x, x), _mm256_set1_ps(0.044715f), _mm256_set1_ps(1.0f));
    const __m256 twice_u = _mm256_mul_ps(_mm256_mul_ps(x, cubic), _mm256_set1_ps(1.5957691216f));
    return _mm256_mul_ps(x, sigmoid8(twice_u));
  }
};
struct Gelu {
  __m256 operator()(__m256 x) const {
    alignas(32) float v[8];
    _mm256_store_ps(v, x);
    for (float& one : v) one = 0.5f * one * (1 + erff(one * 0.70710678f));
    return _mm256_load_ps(v);
  }
};
struct Relu {  // max's second operand is what it gives for NaN
  __m256 operator()(__m256 x) const { return _mm256_max_ps(_mm256_setzero_ps(), x); }
};
struct ReluSquared {
  __m256 operator()(__m256 x) const {
    const __m256 r = Relu{}(x);
    return _mm256_mul_ps(r, r);
  }
};

template <class F>
inline void with_function(Activation activation, F&& f) {
  switch (activation) {
    case Activation::kIdentity: return f(Identity{});
    case Activation::kSilu: return f(Silu{});
    case Activation::kGelu: return f(Gelu{});
    case Activation::kGeluTanh: return f(GeluTanh{});
    case Activation::kRelu: return f(Relu{});
    case Activation::kReluSquared: return f(ReluSquared{});
  }
}

void activate(float* x, int64_t n, Activation activation) {
  with_function(activation, [&](auto function) {
    by_eight(n, [&](int64_t i, auto lanes) { lanes.store(x + i, function(lanes.load(x + i))); });
  });
}

void gate_row(const float* gate, const float* up, int64_t n, Activation activation, float* out) {
  with_function(activation, [&](auto function) {
    by_eight(n, [&](int64_t i, auto lanes) {
      lanes.store(out + i, _mm256_mul_ps(function(lanes.load(gate + i)), lanes.load(up + i)));
    });
  });
}

void softcap(float* x, float cap, int64_t n) {
  const __m256 c = _mm256_set1_ps(cap), inverse = _mm256_set1_ps(1 / cap);
  by_eight(n, [&](int64_t i, auto lanes) {
    lanes.store(x + i, _mm256_mul_ps(c, tanh8(_mm256_mul_ps(lanes.load(x + i), inverse))));
  });
}

void rotate_halves(float* x, const float* cosine, const float* sine, int64_t n_pairs) {
  by_eight(n_pairs, [&](int64_t i, auto lanes) {
    const __m256 a = lanes.load(x + i), b = lanes.load(x + n_pairs + i);
    const __m256 c = lanes.load(cosine + i), s = lanes.load(sine + i);
    lanes.store(x + i, _mm256_fmsub_ps(a, c, _mm256_mul_ps(b, s)));
    lanes.store(x + n_pairs + i, _mm256_fmadd_ps(a, s, _mm256_mul_ps(b, c)));
  });
}

void rotate_neighbours(float* x, const float* cosine, const float* sine, int64_t n_pairs) {
  for (int64_t i = 0; i < n_pairs; ++i) {
    const float a = x[2 * i], b = x[2 * i + 1];
    x[2 * i] = a * cosine[i] - b * sine[i];
    x[2 * i + 1] = a * sine[i] + b * cosine[i];
  }
}

bool all_finite(const float* x, int64_t n) {
  const __m256i exponent = _mm256_set1_epi32(0x7F800000);
  __m256i bad = _mm256_setzero_si256();
  by_eight(n, [&](int64_t i, auto lanes) {
    const __m256i bits = _mm256_and_si256(_mm256_castps_si256(lanes.load(x + i)), exponent);
    bad = _mm256_or_si256(bad, _mm256_cmpeq_epi32(bits, exponent));
  });
  return _mm256_testz_si256(bad, bad) != 0;
}

}  // namespace

const RowMath kRowMathAvx2 = {
    .rms_norm = rms_norm,
    .layer_norm = layer_norm,
    .add = add,
    .add_scaled = add_scaled,
    .scale = scale_row,
    .activate = activate,
    .gate = gate_row,
    .softcap = softcap,
    .rotate_halves = rotate_halves,
    .rotate_neighbours = rotate_neighbours,
    .all_finite = all_finite,
};

}  // namespace hearth::compute::cpu

#endif
