#include "engine/speculation/policy.h"

namespace hearth::engine {
namespace {

// Gains below this are not told from noise.
constexpr double kLeastGain = 1.05;

}  // namespace

int32_t best_length(std::span<const Proposal> proposals, const HitRates& rates,
                    const StepCosts& costs) {
  double best_rate = kLeastGain;  // tokens a unit of time; a step of one row gives 1
  double n_expected = 1, chance = 1;
  int32_t best = 0, n_rows = 1;
  for (const Proposal& proposal : proposals) {
    chance *= rates.chance(proposal.sureness);
    n_expected += chance;
    const double rate = n_expected / costs.cost(++n_rows);
    if (rate <= best_rate) continue;
    best_rate = rate;
    best = n_rows - 1;
  }
  return best;
}

bool pays_to_guess(std::span<const Proposal> proposals, const HitRates& rates,
                   const StepCosts& costs, double guess_cost) {
  double n_expected = 1, chance = 1;
  for (const Proposal& proposal : proposals) {
    chance *= rates.chance(proposal.sureness);
    n_expected += chance;
  }
  const auto n_rows = static_cast<int32_t>(proposals.size()) + 1;
  if (n_rows == StepCosts::kMostRows) return false;
  const double spent = costs.cost(n_rows) + guess_cost * (n_rows - 1);
  const double extra = costs.cost(n_rows + 1) - costs.cost(n_rows) + guess_cost;
  const double gain = chance * rates.mean_chance();
  return gain * spent > kLeastGain * n_expected * extra;
}

}  // namespace hearth::engine
