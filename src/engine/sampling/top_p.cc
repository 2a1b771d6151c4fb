// Nucleus sampling (arXiv 1904.09751): the fewest likeliest candidates whose probabilities sum to p
// or more; at least one.
#include "engine/sampling/options.h"

namespace hearth::engine {
namespace {

class TopP final : public Sampler {
 public:
  explicit TopP(double p) : p_(p) {}

  void apply(Candidates& candidates, const SamplerState&) override { candidates.keep_share(p_); }

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
