// How often guesses of each sureness come true. Learned from every guess that is compared with
// what was drawn, run ahead or not; what is long past counts little.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "engine/speculation/proposer.h"

namespace hearth::engine {

class HitRates {
 public:
  HitRates();

  void learn(int32_t sureness, bool is_hit);

  // That a guess of this sureness comes true where those before it did.
  double chance(int32_t sureness) const { return rates_[static_cast<size_t>(sureness)].mean; }
  // Of any guess, as they came.
  double mean_chance() const { return all_.mean; }

 private:
  struct Rate {
    double mean;
    double n_seen;  // guesses that the mean is of, at most
  };
  static void learn(Rate& rate, bool is_hit);

  std::array<Rate, kSurenesses> rates_;
  Rate all_;
};

}  // namespace hearth::engine
