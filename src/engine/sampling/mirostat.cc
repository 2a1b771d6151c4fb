// Mirostat (arXiv 2007.14966): holds the surprise -log2 p of the drawn tokens near tau, by a bound
// mu that each draw corrects. Version 1 turns mu into a top-k through the estimated Zipf exponent;
// version 2 cuts what is more surprising than mu. Version 1 raises to powers with the C library's
// pow, whose last bits are not the same on every platform; no other sampler depends on it.
#include <algorithm>
#include <cmath>

#include "engine/sampling/exponential.h"
#include "engine/sampling/options.h"

namespace hearth::engine {
namespace {

constexpr double kLog2 = 0.6931471805599453;
constexpr size_t kEstimateFrom = 100;  // candidates that the Zipf exponent is estimated from

class Mirostat final : public Sampler {
 public:
  Mirostat(int version, double tau, double eta, int32_t n_vocab)
      : version_(version), tau_(tau), eta_(eta), n_vocab_(n_vocab), mu_(2 * tau) {}

  void apply(Candidates& candidates, const SamplerState&) override {
    candidates.weigh();
    if (candidates.items().empty()) return;
    if (version_ == 1) {
      candidates.sort_front(std::min(kEstimateFrom, candidates.items().size()));
      const double k = top_k(candidates.items());
      const auto size = static_cast<double>(candidates.items().size());
      candidates.keep_top(static_cast<size_t>(std::clamp(k, 1.0, size)));
    } else {
      const double most = candidates.max_logit();
      const double border = most + logarithm(candidates.total_weight()) - mu_ * kLog2;
      candidates.keep_at_least(static_cast<float>(std::min(border, most)));
    }
  }

  void accept(TokenId, double probability) override {
    if (probability > 0) mu_ -= eta_ * (-logarithm(probability) / kLog2 - tau_);
  }

 private:
  // The k whose cut has expected surprise mu, for p_i proportional to i^-s.
  double top_k(std::span<const Candidate> items) const {
    double sum_tb = 0, sum_tt = 0;
    for (size_t i = 0; i + 1 < std::min(kEstimateFrom, items.size()); ++i) {
      const double t = logarithm(static_cast<double>(i + 2) / static_cast<double>(i + 1));
      const double b =
          static_cast<double>(items[i].logit) - items[i + 1].logit;  // log(p_i / p_i+1)
      sum_tb += t * b;
      sum_tt += t * t;
    }
    const double s = sum_tt > 0 ? sum_tb / sum_tt : 0;
    const double epsilon = s - 1;
    const double scale = epsilon * std::exp2(mu_) / (1 - std::pow(n_vocab_, -epsilon));
    const double k = std::pow(scale, 1 / s);
    return std::isfinite(k) ? k : static_cast<double>(items.size());
  }

  int version_;
  double tau_, eta_, n_vocab_;
  double mu_;
};

constexpr Parameter kParameters[] = {
    {"mirostat", Parameter::Kind::kInteger, 0, 0, 2,
     "Mirostat version, in place of the cutting samplers; 0: off"},
    {"mirostat_tau", Parameter::Kind::kNumber, 5, 0, 100, "surprise to aim at, in bits"},
    {"mirostat_eta", Parameter::Kind::kNumber, 0.1, 0, 10, "how fast Mirostat corrects"},
};

std::unique_ptr<Sampler> make(const SamplingOptions& options, const SamplerContext& context) {
  const int version = static_cast<int>(options.integer("mirostat"));
  if (version == 0) return nullptr;
  return std::make_unique<Mirostat>(version, options.number("mirostat_tau"),
                                    options.number("mirostat_eta"), context.n_vocab);
}

}  // namespace

extern const SamplerKind kMirostat = {"mirostat", SamplerKind::Role::kFeedback, kParameters, make};

}  // namespace hearth::engine
