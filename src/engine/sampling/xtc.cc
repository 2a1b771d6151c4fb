// Exclude Top Choices: with a given chance, drops every candidate that reaches the threshold except
// the least likely of them.
#include <vector>

#include "engine/sampling/options.h"

namespace hearth::engine {
namespace {

class Xtc final : public Sampler {
 public:
  Xtc(double probability, double threshold) : probability_(probability), threshold_(threshold) {}

  void apply(Candidates& candidates, const SamplerState& state) override {
    if (state.random.uniform() >= probability_) return;
    candidates.weigh();
    const double least_weight = threshold_ * candidates.total_weight();
    const Candidate* last = nullptr;  // the last in order of those that reach the threshold
    for (const Candidate& item : candidates.items()) {
      if (item.weight < least_weight) continue;
      if (last == nullptr || ranks_before(*last, item)) last = &item;
    }
    if (last == nullptr) return;
    kept_.clear();
    for (const Candidate& item : candidates.items()) {
      if (item.weight < least_weight || item.token == last->token) kept_.push_back(item);
    }
    if (kept_.size() < candidates.items().size()) candidates.replace(kept_);
  }

 private:
  double probability_, threshold_;
  std::vector<Candidate> kept_;
};

constexpr Parameter kParameters[] = {
    {"xtc_probability", Parameter::Kind::kNumber, 0, 0, 1, "chance that XTC acts; 0: never"},
    {"xtc_threshold", Parameter::Kind::kNumber, 0.1, 0, 1,
     "probability from which a choice is a top choice; above 0.5: XTC never acts"},
};

std::unique_ptr<Sampler> make(const SamplingOptions& options, const SamplerContext&) {
  const double probability = options.number("xtc_probability");
  const double threshold = options.number("xtc_threshold");
  if (probability <= 0 || threshold > 0.5) return nullptr;  // two cannot both be above one half
  return std::make_unique<Xtc>(probability, threshold);
}

}  // namespace

extern const SamplerKind kXtc = {"xtc", SamplerKind::Role::kTruncation, kParameters, make};

}  // namespace hearth::engine
