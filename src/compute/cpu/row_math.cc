#include "compute/cpu/row_math.h"

#include <cmath>
#include <numbers>

namespace hearth::compute::cpu {
namespace {

void scale_into(const NormRow& row, double mean, double factor) {
  for (int64_t i = 0; i < row.n; ++i) {
    float value = static_cast<float>((row.x[i] - mean) * factor);
    if (row.weight != nullptr) value *= row.weight[i];
    if (row.bias != nullptr) value += row.bias[i];
    row.out[i] = value;
  }
}

void rms_norm(const NormRow& row) {
  double sum = 0;
  for (int64_t i = 0; i < row.n; ++i) sum += double{row.x[i]} * row.x[i];
  scale_into(row, 0, 1 / std::sqrt(sum / static_cast<double>(row.n) + row.epsilon));
}

void layer_norm(const NormRow& row) {
  double mean = 0, variance = 0;
  for (int64_t i = 0; i < row.n; ++i) mean += row.x[i];
  mean /= static_cast<double>(row.n);
  for (int64_t i = 0; i < row.n; ++i) variance += (row.x[i] - mean) * (row.x[i] - mean);
  scale_into(row, mean, 1 / std::sqrt(variance / static_cast<double>(row.n) + row.epsilon));
}

void add(float* x, const float* bias, int64_t n) {
  for (int64_t i = 0; i < n; ++i) x[i] += bias[i];
}

void add_scaled(float* out, const float* x, float scale, int64_t n) {
  for (int64_t i = 0; i < n; ++i) out[i] += scale * x[i];
}

void scale_row(float* x, float scale, int64_t n) {
  for (int64_t i = 0; i < n; ++i) x[i] *= scale;
}

float activate_one(float x, Activation activation) {
  switch (activation) {
    case Activation::kIdentity: return x;
    case Activation::kSilu: return x / (1 + std::exp(-x));
    case Activation::kGelu: return 0.5f * x * (1 + std::erf(x / std::numbers::sqrt2_v<float>));
    case Activation::kGeluTanh: {
      const float inner = 0.7978845608f * (x + 0.044715f * x * x * x);
      return x / (1 + std::exp(-2 * inner));
    }
    case Activation::kRelu: return x < 0 ? 0 : x;
    case Activation::kReluSquared: return x < 0 ? 0 : x * x;
  }
  return x;
}

void activate(float* x, int64_t n, Activation activation) {
  for (int64_t i = 0; i < n; ++i) x[i] = activate_one(x[i], activation);
}

void gate_row(const float* gate, const float* up, int64_t n, Activation activation, float* out) {
  for (int64_t i = 0; i < n; ++i) out[i] = activate_one(gate[i], activation) * up[i];
}

void softcap(float* x, float cap, int64_t n) {
  for (int64_t i = 0; i < n; ++i) x[i] = cap * std::tanh(x[i] / cap);
}

void rotate(float& a, float& b, float cosine, float sine) {
  const float x = a, y = b;
  a = x * cosine - y * sine;
  b = x * sine + y * cosine;
}

void rotate_halves(float* x, const float* cosine, const float* sine, int64_t n_pairs) {
  for (int64_t i = 0; i < n_pairs; ++i) rotate(x[i], x[i + n_pairs], cosine[i], sine[i]);
}

void rotate_neighbours(float* x, const float* cosine, const float* sine, int64_t n_pairs) {
  for (int64_t i = 0; i < n_pairs; ++i) rotate(x[2 * i], x[2 * i + 1], cosine[i], sine[i]);
}

bool all_finite(const float* x, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    if (!std::isfinite(x[i])) return false;
  }
  return true;
}

}  // namespace

const RowMath kRowMathScalar = {
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

const RowMath& row_math(IsaLevel level) {
#if defined(__x86_64__)
  if (level >= IsaLevel::kAvx2) return kRowMathAvx2;
#elif defined(__aarch64__)
  if (level >= IsaLevel::kNeon) return kRowMathNeon;
#endif
  static_cast<void>(level);
  return kRowMathScalar;
}

}  // namespace hearth::compute::cpu
