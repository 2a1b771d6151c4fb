// What a step of several rows takes beside a step of one: learned from the times of the steps that
// an answer runs, in the unit that makes a step of one row 1.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace hearth::engine {

class StepCosts {
 public:
  static constexpr int32_t kMostRows = 16;

  StepCosts();

  // A step of n_rows, at most kMostRows, took so long. What is known of other numbers of rows moves
  // along, the nearer the more, and fades to what it was taken for at first, so that a bad
  // measurement does not stand for ever.
  void learn(int32_t n_rows, double seconds);

  double cost(int32_t n_rows) const { return 1 + extra_[static_cast<size_t>(n_rows - 1)]; }
  // That a step of one row takes now; 0 before any was learned.
  double unit_s() const { return unit_s_; }

 private:
  std::array<double, kMostRows> extra_;  // by n_rows - 1: cost beyond that of one row
  double unit_s_ = 0;
};

}  // namespace hearth::engine
