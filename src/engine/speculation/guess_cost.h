// What one more guess of a proposer takes, learned from those that had a step's tokens to catch up
// on: not a prompt, nor what was drawn while it was not asked.
#pragma once

#include <cstddef>

namespace hearth::engine {

class GuessCost {
 public:
  void begin() { n_seen_ = 0; }  // another answer

  // A guess of what follows n_tokens took so long.
  void learn(size_t n_tokens, double seconds);

  double seconds() const { return seconds_; }  // 0: not known

 private:
  double seconds_ = 0;
  size_t n_seen_ = 0;  // tokens before the last guess, since begin()
};

}  // namespace hearth::engine
