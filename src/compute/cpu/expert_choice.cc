#include "compute/cpu/expert_choice.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace hearth::compute::cpu {
namespace {

// Sum of exp(score - most) over all experts.
double softmax_total(std::span<const float> scores, double most) {
  double total = 0;
  for (const float score : scores) total += std::exp(score - most);
  return total;
}

// Index of the largest score that is not yet taken, the first of equals.
size_t best_of(std::span<const float> scores, std::span<const ExpertChoice> taken) {
  size_t best = scores.size();
  for (size_t i = 0; i < scores.size(); ++i) {
    const bool is_taken = std::ranges::any_of(
        taken, [&](const ExpertChoice& c) { return static_cast<size_t>(c.expert) == i; });
    if (!is_taken && (best == scores.size() || scores[i] > scores[best])) best = i;
  }
  return best;
}

}  // namespace

void choose_experts(const MoeOp& op, std::span<float> scores, std::span<ExpertChoice> chosen) {
  const double most = *std::ranges::max_element(scores);
  const double total = op.gating == Gating::kSoftmax ? softmax_total(scores, most) : 1;
  double sum = 0;
  for (size_t c = 0; c < chosen.size(); ++c) {
    const size_t best = best_of(scores, chosen.first(c));
    const double gate = op.gating == Gating::kSoftmax ? std::exp(scores[best] - most) / total
                                                      : 1 / (1 + std::exp(-double{scores[best]}));
    chosen[c] = {static_cast<int32_t>(best), static_cast<float>(gate)};
    sum += gate;
  }
  const double scale = op.normalize ? op.weight_scale / sum : double{op.weight_scale};
  for (ExpertChoice& choice : chosen) choice.weight = static_cast<float>(choice.weight * scale);
}

ExpertOrder::ExpertOrder(int64_t max_rows, int32_t n_experts, int32_t n_used, int64_t row_tile)
    : n_used_(n_used), row_tile_(row_tile) {
  const auto n = static_cast<size_t>(max_rows * n_used);
  choices_.resize(n);
  row_at_.resize(n);
  place_of_.resize(n);
  begin_.resize(static_cast<size_t>(n_experts) + 1);
  tiles_.reserve(static_cast<size_t>(n_experts) + n / static_cast<size_t>(row_tile) + 1);
}

void ExpertOrder::sort(int64_t n_rows) {
  const auto n = static_cast<size_t>(n_rows * n_used_);
  std::ranges::fill(begin_, 0);
  for (size_t i = 0; i < n; ++i) ++begin_[static_cast<size_t>(choices_[i].expert) + 1];
  tiles_.clear();
  for (size_t e = 1; e < begin_.size(); ++e) {
    begin_[e] += begin_[e - 1];
    for (int64_t row = begin_[e - 1]; row < begin_[e]; row += row_tile_) {
      tiles_.push_back({.expert = static_cast<int32_t>(e - 1),
                        .begin = row,
                        .end = std::min<int64_t>(begin_[e], row + row_tile_)});
    }
  }
  for (size_t i = 0; i < n; ++i) {
    const int32_t place = begin_[static_cast<size_t>(choices_[i].expert)]++;
    place_of_[i] = place;
    row_at_[static_cast<size_t>(place)] = static_cast<int32_t>(i / static_cast<size_t>(n_used_));
  }
}

}  // namespace hearth::compute::cpu
