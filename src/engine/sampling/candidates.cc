#include "engine/sampling/candidates.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <utility>

#include "base/check.h"
#include "engine/sampling/exponential.h"

namespace hearth::engine {
namespace {
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr size_t kRadixFrom = 512;  // below, comparing is faster (bench/sampling.cc)
constexpr int kDigitBits = 11;
constexpr uint32_t kDigitMask = (1u << kDigitBits) - 1;

// Octave k holds weights from 2^-k to below 2^(1-k), the last one all smaller ones.
size_t octave_of(double weight) {
  const uint64_t exponent = std::bit_cast<uint64_t>(weight) >> 52;
  return std::min<uint64_t>(1023 - exponent, Candidates::kOctaves - 1);
}

// Ascends as ranks_before() has it; 0 and -0 are the same.
uint32_t rank_key(float logit) {
  const auto bits = std::bit_cast<uint32_t>(logit + 0.0f);
  return bits >> 31 != 0 ? bits : ~bits & 0x7FFFFFFF;
}
}  // namespace

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

// Truncates the list where the weights of its first in order sum to `wanted`; false where they do
// not.
bool Candidates::cut_at(double wanted) {
  double sum = 0;
  size_t n = 0;
  // Sorts only as far as it gets.
  for (size_t sorted = 64; n < items_.size(); sorted *= 4) {
    sort_front(std::min(sorted, items_.size()));
    for (; n < std::min(sorted, items_.size()); ++n) {
      sum += items_[n].weight;
      if (sum < wanted) continue;
      truncate(n + 1);
      return true;
    }
  }
  return false;
}

// Sets weights_ and total_weight_, and shares_ to the weights' sums by power of two.
void Candidates::weigh_logits(double most) {
  const size_t n = logits_.size();
  weights_.resize(n + 1);  // they come in pairs
  shares_.fill(0);
  DoublePair total = {0, 0};
  for (size_t i = 0; i < n; i += 2) {
    const double second = i + 1 < n ? logits_[i + 1] : -std::numeric_limits<double>::infinity();
    const DoublePair weight = exponential(DoublePair{logits_[i] - most, second - most});
    total += weight;
    for (size_t lane = 0; lane < 2; ++lane) {
      weights_[i + lane] = weight[lane];
      shares_[octave_of(weight[lane])] += weight[lane];
    }
  }
  total_weight_ = total[0] + total[1];
}

// Lists the tokens whose logit is `least` or more, sorted.
void Candidates::list_weighed(float least) {
  items_.clear();
  for (size_t token = 0; token < logits_.size(); ++token) {
    if (!(logits_[token] >= least)) continue;
    items_.push_back({static_cast<int32_t>(token), logits_[token], weights_[token]});
  }
  is_dense_ = false;
  is_weighed_ = false;  // total_weight_ is that of all tokens
  n_sorted_ = items_.size();
  if (items_.size() < kRadixFrom) {
    std::sort(items_.begin(), items_.end(), ranks_before);
    return;
  }
  // By digits of the logit, the last first. Each pass keeps the order of equals, and they came by
  // token.
  sorted_.resize(items_.size());
  for (int shift = 0; shift < 32; shift += kDigitBits) {
    std::array<uint32_t, 1u << kDigitBits> begins = {};
    const auto digit = [shift](const Candidate& item) {
      return rank_key(item.logit) >> shift & kDigitMask;
    };
    for (const Candidate& item : items_) ++begins[digit(item)];
    uint32_t n_before = 0;
    for (uint32_t& begin : begins) n_before += std::exchange(begin, n_before);
    for (const Candidate& item : items_) sorted_[begins[digit(item)]++] = item;
    std::swap(items_, sorted_);
  }
}

void Candidates::keep_share(double share) {
  const float most = max_logit();
  if (!is_dense_ || most == -kInfinity) {
    weigh();
    cut_at(share * total_weight_);
    return;
  }
  weigh_logits(most);
  const double wanted = share * total_weight_;
  size_t octave = 0;
  for (double sum = shares_[0]; octave + 1 < shares_.size() && sum < wanted;) {
    sum += shares_[++octave];
  }
  // What is left out ranks behind all that is listed, so the sums are those over the whole order;
  // only their rounding can ask for more.
  const float depth = static_cast<float>(octave) * 0.6931472f + 0.001f;
  list_weighed(most - depth);
  if (cut_at(wanted)) return;
  list_weighed(-std::numeric_limits<float>::max());
  cut_at(wanted);
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
