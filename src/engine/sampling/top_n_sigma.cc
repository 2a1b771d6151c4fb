// Keeps candidates whose logit is within n standard deviations (of all logits in the draw) of the
// largest (arXiv 2411.07641).
#include "engine/sampling/options.h"

namespace hearth::engine {
namespace {

class TopNSigma final : public Sampler {
 public:
  explicit TopNSigma(double n) : n_(n) {}

  void apply(Candidates& candidates, const SamplerState&) override {
    double mean = 0, deviation = 0;
    candidates.spread(&mean, &deviation);
    candidates.keep_at_least(static_cast<float>(candidates.max_logit() - n_ * deviation));
  }

 private:
  double n_;
};

constexpr Parameter kParameters[] = {
    {"top_n_sigma", Parameter::Kind::kNumber, -1, -1, 1000,
     "keep logits within this many standard deviations of the largest; 0 or less: all"},
};

std::unique_ptr<Sampler> make(const SamplingOptions& options, const SamplerContext&) {
  const double n = options.number("top_n_sigma");
  if (n <= 0) return nullptr;
  return std::make_unique<TopNSigma>(n);
}

}  // namespace

extern const SamplerKind kTopNSigma = {"top_n_sigma", SamplerKind::Role::kTruncation, kParameters,
                                       make};

}  // namespace hearth::engine
