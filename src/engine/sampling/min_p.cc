// Keeps candidates at least `min_p` times as likely as the likeliest (arXiv 2407.01082).
#include "engine/sampling/exponential.h"
#include "engine/sampling/options.h"

namespace hearth::engine {
namespace {

class MinP final : public Sampler {
 public:
  explicit MinP(double p) : log_p_(logarithm(p)) {}

  void apply(Candidates& candidates, const SamplerState&) override {
    candidates.keep_at_least(static_cast<float>(candidates.max_logit() + log_p_));
  }

 private:
  double log_p_;  // p_i >= p * p_max is logit_i >= logit_max + log(p): no softmax needed
};

constexpr Parameter kParameters[] = {
    {"min_p", Parameter::Kind::kNumber, 0.0, 0, 1,
     "keep those at least this fraction as likely as the likeliest; 0: all"},
};

std::unique_ptr<Sampler> make(const SamplingOptions& options, const SamplerContext&) {
  const double p = options.number("min_p");
  if (p <= 0) return nullptr;
  return std::make_unique<MinP>(p);
}

}  // namespace

extern const SamplerKind kMinP = {"min_p", SamplerKind::Role::kTruncation, kParameters, make};

}  // namespace hearth::engine
