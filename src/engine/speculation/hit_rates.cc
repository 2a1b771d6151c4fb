#include "engine/speculation/hit_rates.h"

#include <algorithm>

namespace hearth::engine {
namespace {

// Before anything is seen: what these chances would be after so many guesses.
constexpr double kFirstSeen = 4;
constexpr double kLeastChance = 0.25, kMostChance = 0.95;
constexpr double kMostSeen = 32;

}  // namespace

HitRates::HitRates() : all_{(kLeastChance + kMostChance) / 2, kFirstSeen} {
  for (size_t i = 0; i < rates_.size(); ++i) {
    const double part = static_cast<double>(i) / static_cast<double>(rates_.size() - 1);
    rates_[i] = {kLeastChance + part * (kMostChance - kLeastChance), kFirstSeen};
  }
}

void HitRates::learn(int32_t sureness, bool is_hit) {
  learn(rates_[static_cast<size_t>(sureness)], is_hit);
  learn(all_, is_hit);
}

void HitRates::learn(Rate& rate, bool is_hit) {
  rate.n_seen = std::min(rate.n_seen + 1, kMostSeen);
  rate.mean += ((is_hit ? 1.0 : 0.0) - rate.mean) / rate.n_seen;
}

}  // namespace hearth::engine
