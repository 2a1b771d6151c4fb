#include "engine/sampling/sampler.h"

namespace hearth::engine {

extern const SamplerKind kPenalties, kDry, kTopNSigma, kTopK, kTypicalP, kTopP, kMinP, kXtc,
    kTemperature, kMirostat;

std::span<const SamplerKind* const> all_samplers() {
  static constexpr const SamplerKind* kTable[] = {
      &kPenalties, &kDry,  &kTopNSigma, &kTopK,        &kTypicalP,
      &kTopP,      &kMinP, &kXtc,       &kTemperature, &kMirostat,
  };
  return kTable;
}

}  // namespace hearth::engine
