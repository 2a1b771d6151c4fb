// Divides logits by the temperature; 0 leaves the likeliest token alone (greedy).
#include "engine/sampling/options.h"

namespace hearth::engine {
namespace {

class Temperature final : public Sampler {
 public:
  explicit Temperature(float temperature) : temperature_(temperature) {}

  void apply(Candidates& candidates, const SamplerState&) override {
    if (temperature_ == 0.0f) return candidates.keep_top(1);
    // Centred first, so that a tiny temperature drives logits to -infinity, never to NaN.
    candidates.scale(candidates.max_logit(), temperature_);
  }

 private:
  float temperature_;
};

constexpr Parameter kParameters[] = {
    {"temperature", Parameter::Kind::kNumber, 0.8, 0, 100, "0: always the likeliest token"},
};

std::unique_ptr<Sampler> make(const SamplingOptions& options, const SamplerContext&) {
  const auto temperature = static_cast<float>(options.number("temperature"));
  if (temperature == 1.0f) return nullptr;
  return std::make_unique<Temperature>(temperature);
}

}  // namespace

extern const SamplerKind kTemperature = {"temperature", SamplerKind::Role::kTemperature,
                                         kParameters, make};

}  // namespace hearth::engine
