// Row arithmetic, 4 floats at a time. A short tail runs through the same vector code in a buffer,
// so that an element's bits do not depend on where a row is cut.
#include "compute/cpu/row_math.h"

#include <math.h>
#include <string.h>

#include "compute/cpu/vector_math_neon.h"

namespace hearth::compute::cpu {
namespace {

// f(i, lanes) on each 4 elements from i, the tail's missing ones read as 0 and not written.
struct Full {
  float32x4_t load(const float* x) const { return vld1q_f32(x); }
  void store(float* x, float32x4_t v) const { vst1q_f32(x, v); }
};
struct Tail {
  float32x4_t load(const float* x) const {
    float values[4] = {};
    memcpy(values, x, n_bytes);
    return vld1q_f32(values);
  }
  void store(float* x, float32x4_t v) const {
    float values[4];
    vst1q_f32(values, v);
    memcpy(x, values, n_bytes);
  }
  size_t n_bytes;
};
template <class F>
inline void by_four(int64_t n, F&& f) {
  int64_t i = 0;
  for (; i + 4 <= n; i += 4) f(i, Full{});
  if (i < n) f(i, Tail{static_cast<size_t>(n - i) * sizeof(float)});
}

float64x2_t low_half(float32x4_t x) { return vcvt_f64_f32(vget_low_f32(x)); }
float64x2_t high_half(float32x4_t x) { return vcvt_high_f64_f32(x); }

double sum_row(const float* x, int64_t n) {
  float64x2_t low = vdupq_n_f64(0), high = vdupq_n_f64(0);
  by_four(n, [&](int64_t i, auto lanes) {
    const float32x4_t v = lanes.load(x + i);
    low = vaddq_f64(low, low_half(v));
    high = vaddq_f64(high, high_half(v));
  });
  return vaddvq_f64(vaddq_f64(low, high));
}

double sum_squares(const float* x, int64_t n, double mean) {
  float64x2_t low = vdupq_n_f64(0), high = vdupq_n_f64(0);
  const float64x2_t m = vdupq_n_f64(mean);
  int64_t i = 0;
  for (; i + 4 <= n; i += 4) {
    const float32x4_t v = vld1q_f32(x + i);
    const float64x2_t a = vsubq_f64(low_half(v), m), b = vsubq_f64(high_half(v), m);
    low = vfmaq_f64(low, a, a);
    high = vfmaq_f64(high, b, b);
  }
  double tail = 0;
  for (; i < n; ++i) tail += (x[i] - mean) * (x[i] - mean);
  return vaddvq_f64(vaddq_f64(low, high)) + tail;
}

void scale_into(const NormRow& row, float mean, float factor) {
  const float32x4_t m = vdupq_n_f32(mean);
  by_four(row.n, [&](int64_t i, auto lanes) {
    float32x4_t v = vmulq_n_f32(vsubq_f32(lanes.load(row.x + i), m), factor);
    if (row.weight != nullptr) v = vmulq_f32(v, lanes.load(row.weight + i));
    if (row.bias != nullptr) v = vaddq_f32(v, lanes.load(row.bias + i));
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
  by_four(n, [&](int64_t i, auto lanes) {
    lanes.store(x + i, vaddq_f32(lanes.load(x + i), lanes.load(bias + i)));
  });
}

void add_scaled(float* out, const float* x, float scale, int64_t n) {
  by_four(n, [&](int64_t i, auto lanes) {
    const float32x4_t scaled = vmulq_n_f32(lanes.load(x + i), scale);
    lanes.store(out + i, vaddq_f32(lanes.load(out + i), scaled));
  });
}

void scale_row(float* x, float scale, int64_t n) {
  by_four(
      n, [&](int64_t i, auto lanes) { lanes.store(x + i, vmulq_n_f32(lanes.load(x + i), scale)); });
}

struct Identity {
  float32x4_t operator()(float32x4_t x) const { return x; }
};
struct Silu {
  float32x4_t operator()(float32x4_t x) const { return vmulq_f32(x, sigmoid4(x)); }
};
// 0.5 x (1 + tanh u) = x sigmoid(2 u)
struct GeluTanh {
  float32x4_t operator()(float32x4_t x) const {
    const float32x4_t cubic = vfmaq_f32(vdupq_n_f32(1.0f), vmulq_f32(x, x), vdupq_n_f32(0.044715f));
    const float32x4_t twice_u = vmulq_n_f32(vmulq_f32(x, cubic), 1.5957691216f);
    return vmulq_f32(x, sigmoid4(twice_u));
  }
};
struct Gelu {
  float32x4_t operator()(float32x4_t x) const {
    float v[4];
    vst1q_f32(v, x);
    for (float& one : v) one = 0.5f * one * (1 + erff(one * 0.70710678f));
    return vld1q_f32(v);
  }
};
struct Relu {
  float32x4_t operator()(float32x4_t x) const { return vmaxq_f32(vdupq_n_f32(0), x); }
};
struct ReluSquared {
  float32x4_t operator()(float32x4_t x) const {
    const float32x4_t r = Relu{}(x);
    return vmulq_f32(r, r);
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
    by_four(n, [&](int64_t i, auto lanes) { lanes.store(x + i, function(lanes.load(x + i))); });
  });
}

void gate_row(const float* gate, const float* up, int64_t n, Activation activation, float* out) {
  with_function(activation, [&](auto function) {
    by_four(n, [&](int64_t i, auto lanes) {
      lanes.store(out + i, vmulq_f32(function(lanes.load(gate + i)), lanes.load(up + i)));
    });
  });
}

void softcap(float* x, float cap, int64_t n) {
  const float inverse = 1 / cap;
  by_four(n, [&](int64_t i, auto lanes) {
    lanes.store(x + i, vmulq_n_f32(tanh4(vmulq_n_f32(lanes.load(x + i), inverse)), cap));
  });
}

void rotate_halves(float* x, const float* cosine, const float* sine, int64_t n_pairs) {
  by_four(n_pairs, [&](int64_t i, auto lanes) {
    const float32x4_t a = lanes.load(x + i), b = lanes.load(x + n_pairs + i);
    const float32x4_t c = lanes.load(cosine + i), s = lanes.load(sine + i);
    lanes.store(x + i, vfmsq_f32(vmulq_f32(a, c), b, s));
    lanes.store(x + n_pairs + i, vfmaq_f32(vmulq_f32(b, c), a, s));
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
  const uint32x4_t exponent = vdupq_n_u32(0x7F800000);
  uint32x4_t bad = vdupq_n_u32(0);
  by_four(n, [&](int64_t i, auto lanes) {
    const uint32x4_t bits = vandq_u32(vreinterpretq_u32_f32(lanes.load(x + i)), exponent);
    bad = vorrq_u32(bad, vceqq_u32(bits, exponent));
  });
  return vmaxvq_u32(bad) == 0;
}

}  // namespace

const RowMath kRowMathNeon = {
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
