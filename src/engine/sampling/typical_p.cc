// Locally typical sampling (arXiv 2202.00666): candidates by how near their surprise -log p is to
// the distribution's entropy, nearest first, until their probabilities sum to more than p.
#include <algorithm>
#include <cmath>
#include <vector>

#include "engine/sampling/options.h"

namespace hearth::engine {
namespace {

class TypicalP final : public Sampler {
 public:
  explicit TypicalP(double p) : p_(p) {}

  void apply(Candidates& candidates, const SamplerState&) override {
    candidates.weigh();
    score(candidates);
    const double wanted = p_ * candidates.total_weight();
    double sum = 0;
    size_t n = 0;
    for (size_t sorted = 64, from = 0; n < scored_.size(); from = sorted, sorted *= 4) {
      sort_range(from, std::min(sorted, scored_.size()));
      for (; n < std::min(sorted, scored_.size()); ++n) {
        kept_.push_back(scored_[n].candidate);
        sum += scored_[n].candidate.weight;
        if (sum > wanted) return candidates.replace(kept_);
      }
    }
  }

 private:
  struct Scored {
    double distance;  // |-log p - entropy|
    Candidate candidate;
    bool operator<(const Scored& other) const {
      return distance != other.distance ? distance < other.distance
                                        : ranks_before(candidate, other.candidate);
    }
  };

  void score(Candidates& candidates) {
    const double total = candidates.total_weight();
    const double most = candidates.max_logit();
    double mean_logit = 0;  // of logit - max, under the distribution
    for (const Candidate& item : candidates.items()) {
      if (item.weight > 0) mean_logit += item.weight / total * (item.logit - most);
    }
    // -log p_i = log(total) - (logit_i - max), so log(total) cancels in the distance.
    scored_.clear();
    kept_.clear();
    for (const Candidate& item : candidates.items()) {
      scored_.push_back({std::abs(mean_logit - (item.logit - most)), item});
    }
  }

  void sort_range(size_t from, size_t to) {
    const auto begin = scored_.begin() + static_cast<ptrdiff_t>(from);
    const auto end = scored_.begin() + static_cast<ptrdiff_t>(to);
    if (end != scored_.end()) std::nth_element(begin, end, scored_.end());
    std::sort(begin, end);
  }

  double p_;
  std::vector<Scored> scored_;
  std::vector<Candidate> kept_;
};

constexpr Parameter kParameters[] = {
    {"typical_p", Parameter::Kind::kNumber, 1.0, 0, 1,
     "keep the most typical that sum to this probability; 1: all"},
};

std::unique_ptr<Sampler> make(const SamplingOptions& options, const SamplerContext&) {
  const double p = options.number("typical_p");
  if (p >= 1) return nullptr;
  return std::make_unique<TypicalP>(p);
}

}  // namespace

extern const SamplerKind kTypicalP = {"typical_p", SamplerKind::Role::kTruncation, kParameters,
                                      make};

}  // namespace hearth::engine
