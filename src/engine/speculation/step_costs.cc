#include "engine/speculation/step_costs.h"

#include <algorithm>

namespace hearth::engine {
namespace {

constexpr double kLearned = 1.0 / 8;
constexpr double kFaded = 1.0 / 512;
// Steps of several rows say little about the unit, which they know through their own cost alone.
constexpr double kLearnedOfUnit = 1.0 / 64;
// A step that other work on the machine held up counts as one that took this many times what was
// expected.
constexpr double kMostTimesExpected = 2;
constexpr double kLeastSeconds = 1e-9;  // what a clock may not see
constexpr double kLeastExtra = 0.01;    // a row

// Weights are read once for all rows, which leaves the arithmetic of each, and its part of the
// head.
double first_extra(int32_t n_rows) { return n_rows == 1 ? 0 : 0.1 + 0.15 * (n_rows - 1); }

}  // namespace

StepCosts::StepCosts() {
  for (int32_t n = 1; n <= kMostRows; ++n) extra_[static_cast<size_t>(n - 1)] = first_extra(n);
}

void StepCosts::learn(int32_t n_rows, double seconds) {
  seconds = std::max(seconds, kLeastSeconds);
  if (unit_s_ == 0) unit_s_ = seconds / cost(n_rows);
  const double taken = std::min(seconds, kMostTimesExpected * unit_s_ * cost(n_rows));
  unit_s_ += (taken / cost(n_rows) - unit_s_) * (n_rows == 1 ? kLearned : kLearnedOfUnit);
  const double extra = std::max(taken / unit_s_ - 1, kLeastExtra * (n_rows - 1));
  const double change = n_rows == 1 ? 0 : extra / extra_[static_cast<size_t>(n_rows - 1)] - 1;
  for (int32_t n = 2; n <= kMostRows; ++n) {
    double& known = extra_[static_cast<size_t>(n - 1)];
    const double nearness =
        static_cast<double>(std::min(n, n_rows) - 1) / (std::max(n, n_rows) - 1);
    known *= 1 + change * nearness * kLearned;
    if (n != n_rows) known += (first_extra(n) - known) * kFaded;
  }
}

}  // namespace hearth::engine
