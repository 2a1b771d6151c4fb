// Nucleus sampling (arXiv 1904.09751): the fewest likeliest candidates whose probabilities sum to p
// or more; at least one.
#include <algorithm>

#include "engine/sampling/options.h"

namespace hearth::engine {
namespace {

class TopP final : public Sampler {
 public:
  explicit TopP(double p) : p_(p) {}

  void apply(Candidates& candidates, const SamplerState&) override {
    candidates.weigh();
    const size_t size = candidates.items().size();
    const double wanted = p_ * candidates.total_weight();
    double sum = 0;
    size_t n = 0;
    // The nucleus is usually small: sort only as far as it reaches.
    for (size_t sorted = 64; n < size; sorted *= 4) {
      candidates.sort_front(std::min(sorted, size));
      for (; n < std::min(sorted, size); ++n) {
        sum += candidates.items()[n].weight;
        if (sum >= wanted) return candidates.truncate(n + 1);
      }
    }
  }

 private:
  double p_;
};

constexpr Parameter kParameters[] = {
    {"top_p", Parameter::Kind::kNumber, 0.9, 0, 1,
     "keep the likeliest that sum to this probability; 1: all"},
};

std::unique_ptr<Sampler> make(const SamplingOptions& options, const SamplerContext&) {
  const double p = options.number("top_p");
  if (p >= 1) return nullptr;
  return std::make_unique<TopP>(p);
}

}  // namespace

extern const SamplerKind kTopP = {"top_p", SamplerKind::Role::kTruncation, kParameters, make};

}  // namespace hearth::engine
