#include "compute/reference/functions.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

namespace hearth::compute::reference {

double activate(Activation activation, double x) {
  switch (activation) {
    case Activation::kIdentity: return x;
    case Activation::kSilu: return x / (1 + std::exp(-x));
    case Activation::kGelu: return 0.5 * x * (1 + std::erf(x / std::numbers::sqrt2));
    case Activation::kGeluTanh: {
      const double inner = std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x);
      return 0.5 * x * (1 + std::tanh(inner));
    }
    case Activation::kRelu: return std::max(x, 0.0);
    case Activation::kReluSquared: return x > 0 ? x * x : 0;
  }
  return x;
}

void normalize(NormKind kind, float epsilon, std::span<const float> weight,
               std::span<const float> bias, std::span<float> values) {
  const double n = static_cast<double>(values.size());
  double mean = 0;
  if (kind == NormKind::kLayer) {
    for (const float value : values) mean += value;
    mean /= n;
  }
  double variance = 0;
  for (const float value : values) variance += (value - mean) * (value - mean);
  const double scale = 1 / std::sqrt(variance / n + epsilon);
  for (size_t i = 0; i < values.size(); ++i) {
    double value = (values[i] - mean) * scale;
    if (!weight.empty()) value *= weight[i];
    if (!bias.empty()) value += bias[i];
    values[i] = static_cast<float>(value);
  }
}

void rotate(const Rope& rope, int32_t position, std::span<float> head) {
  const size_t n_pairs = rope.inverse_frequency.size();
  for (size_t i = 0; i < n_pairs; ++i) {
    const float angle = static_cast<float>(position) * rope.inverse_frequency[i];
    const double cosine = std::cos(double{angle}) * rope.magnitude;
    const double sine = std::sin(double{angle}) * rope.magnitude;
    float& a = head[rope.is_neox ? i : 2 * i];
    float& b = head[rope.is_neox ? i + n_pairs : 2 * i + 1];
    const double x = a, y = b;
    a = static_cast<float>(x * cosine - y * sine);
    b = static_cast<float>(x * sine + y * cosine);
  }
}

std::vector<Choice> choose_experts(const MoeOp& op, std::span<const float> scores) {
  std::vector<double> gates(scores.begin(), scores.end());
  if (op.gating == Gating::kSigmoid) {
    for (double& gate : gates) gate = 1 / (1 + std::exp(-gate));
  } else {
    const double most = *std::ranges::max_element(gates);
    double total = 0;
    for (double& gate : gates) total += gate = std::exp(gate - most);
    for (double& gate : gates) gate /= total;
  }
  std::vector<int32_t> order(gates.size());
  std::iota(order.begin(), order.end(), 0);
  // By score: gating is monotonic, and a tie of rounded gates must not reorder distinct scores.
  std::ranges::stable_sort(order, [&](int32_t a, int32_t b) {
    return scores[static_cast<size_t>(a)] > scores[static_cast<size_t>(b)];
  });
  order.resize(static_cast<size_t>(op.n_used));
  double total = 0;
  for (const int32_t expert : order) total += gates[static_cast<size_t>(expert)];
  const double scale = op.normalize ? op.weight_scale / total : op.weight_scale;
  std::vector<Choice> choices;
  for (const int32_t expert : order)
    choices.push_back({expert, static_cast<float>(gates[static_cast<size_t>(expert)] * scale)});
  return choices;
}

}  // namespace hearth::compute::reference
