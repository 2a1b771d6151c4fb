#include "engine/speculation/guess_cost.h"

#include <algorithm>

#include "engine/speculation/step_costs.h"

namespace hearth::engine {
namespace {

constexpr double kLearned = 1.0 / 8;
// As for steps: one that other work held up must not stand for the rest.
constexpr double kMostTimesExpected = 2;

}  // namespace

void GuessCost::learn(size_t n_tokens, double seconds) {
  const bool is_usual = n_seen_ > 0 && n_tokens <= n_seen_ + StepCosts::kMostRows;
  n_seen_ = n_tokens;
  if (!is_usual) return;
  if (seconds_ == 0) seconds_ = seconds;
  seconds_ += (std::min(seconds, kMostTimesExpected * seconds_) - seconds_) * kLearned;
}

}  // namespace hearth::engine
