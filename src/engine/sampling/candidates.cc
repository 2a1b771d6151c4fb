#include "engine/sampling/candidates.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"
#include "engine/sampling/exponential.h"

namespace hearth::engine {
namespace {
constexpr float kInfinity = std::numeric_limits<float>::infinity();
}

void Candidates::reset(std::span<float> logits) {
  logits_ = logits;
  is_dense_ = true;
  is_weighed_ = false;
  n_sorted_ = 0;
  items_.clear();
}

float* Candidates::find(int32_t token) {
  if (is_dense_) {
    if (token < 0 || static_cast<size_t>(token) >= logits_.size()) return nullptr;
    float* logit = &logits_[static_cast<size_t>(token)];
    return *logit == -kInfinity ? nullptr : logit;
  }
  for (Candidate& item : items_) {
    if (item.token == token) return &item.logit;
  }
  return nullptr;
}

void Candidates::changed() {
  n_sorted_ = 0;
  is_weighed_ = false;
}

float Candidates::max_logit() const {
  if (!is_dense_ && n_sorted_ > 0) return items_.front().logit;
  float most = -kInfinity;
  if (is_dense_) {
    for (const float logit : logits_) most = std::max(most, logit);
  } else {
    for (const Candidate& item : items_) most = std::max(most, item.logit);
  }
  return most;
}

void Candidates::scale(float center, float divisor) {
  if (is_dense_) {
    for (float& logit : logits_) logit = (logit - center) / divisor;
  } else {
    for (Candidate& item : items_) item.logit = (item.logit - center) / divisor;
  }
  changed();  // division may make unequal logits equal, which changes the order of ties
}

void Candidates::spread(double* mean, double* deviation) const {
  double sum = 0, squares = 0;
  size_t n = 0;
  const auto visit = [&](auto use) {
    if (is_dense_) {
      for (const float logit : logits_) use(logit);
    } else {
      for (const Candidate& item : items_) use(item.logit);
    }
  };
  visit([&](float logit) {
    if (logit == -kInfinity) return;
    sum += logit;
    ++n;
  });
  *mean = n > 0 ? sum / static_cast<double>(n) : 0.0;
  visit([&](float logit) {
    if (logit == -kInfinity) return;
    squares += (logit - *mean) * (logit - *mean);
  });
  *deviation = n > 0 ? std::sqrt(squares / static_cast<double>(n)) : 0.0;
}

void Candidates::make_list() {
  if (is_dense_) keep_at_least(-std::numeric_limits<float>::max());
}

void Candidates::keep_top(size_t n) {
  CHECK(n >= 1);
  if (!is_dense_ || n >= logits_.size() / 4) {
    make_list();
    sort_front(std::min(n, items_.size()));
    truncate(std::min(n, items_.size()));
    return;
  }
  // Collects what beats the n-th best so far; when twice n (or a few hundred) have gathered, they
  // are cut to n and the bar rises. Later tokens lose ties, so only a larger logit gets in.
  const size_t capacity = std::max<size_t>(2 * n, 256);
  float bar = -kInfinity;
  items_.clear();
  const auto cut = [&] {
    std::nth_element(items_.begin(), items_.begin() + static_cast<ptrdiff_t>(n) - 1, items_.end(),
                     ranks_before);
    items_.resize(n);
    bar = items_.back().logit;
  };
  for (size_t token = 0; token < logits_.size(); ++token) {
    if (!(logits_[token] > bar)) continue;
    items_.push_back({static_cast<int32_t>(token), logits_[token], 0});
    if (items_.size() == capacity) cut();
  }
  if (items_.size() > n) cut();
  is_dense_ = false;
  changed();
  sort_front(items_.size());
}

void Candidates::keep_at_least(float logit) {
  is_weighed_ = false;
  if (is_dense_) {
    items_.clear();
    for (size_t token = 0; token < logits_.size(); ++token) {
      if (logits_[token] >= logit && logits_[token] != -kInfinity) {
        items_.push_back({static_cast<int32_t>(token), logits_[token], 0});
      }
    }
    is_dense_ = false;
    n_sorted_ = 0;
    return;
  }
  std::erase_if(items_, [logit](const Candidate& item) { return !(item.logit >= logit); });
  n_sorted_ = std::min(n_sorted_, items_.size());
}

void Candidates::truncate(size_t n) {
  make_list();
  if (n == items_.size()) return;
  items_.resize(n);
  n_sorted_ = std::min(n_sorted_, n);
  is_weighed_ = false;
}

void Candidates::replace(std::span<const Candidate> kept) {
  items_.assign(kept.begin(), kept.end());
  is_dense_ = false;
  changed();
}

std::span<const Candidate> Candidates::items() {
  make_list();
  return items_;
}

void Candidates::sort_front(size_t n) {
  make_list();
  if (n <= n_sorted_) return;
  CHECK(n <= items_.size());
  const auto begin = items_.begin() + static_cast<ptrdiff_t>(n_sorted_);
  const auto end = items_.begin() + static_cast<ptrdiff_t>(n);
  if (end != items_.end()) std::nth_element(begin, end, items_.end(), ranks_before);
  std::sort(begin, end, ranks_before);
  n_sorted_ = n;
}

void Candidates::weigh() {
  make_list();
  if (is_weighed_) return;
  const double most = max_logit();
  total_weight_ = 0;
  for (Candidate& item : items_) {
    item.weight = exponential(item.logit - most);
    total_weight_ += item.weight;
  }
  is_weighed_ = true;
}

}  // namespace hearth::engine
