// How far to run ahead, so that the most tokens a second are to be expected.
#pragma once

#include <cstdint>
#include <span>

#include "engine/speculation/hit_rates.h"
#include "engine/speculation/proposer.h"
#include "engine/speculation/step_costs.h"

namespace hearth::engine {

// How many of the proposals to run with the token before them; 0 where a step of one row is better,
// or as good but for what measuring can tell.
int32_t best_length(std::span<const Proposal> proposals, const HitRates& rates,
                    const StepCosts& costs);

// Whether one more guess, which takes guess_cost steps of one row, will make the step that runs
// these proposals yield more for its time.
bool pays_to_guess(std::span<const Proposal> proposals, const HitRates& rates,
                   const StepCosts& costs, double guess_cost);

}  // namespace hearth::engine
