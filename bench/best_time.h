// How long work takes at best: other programs on the machine only ever make a run slower.
#pragma once

#include <algorithm>
#include <chrono>
#include <limits>

namespace hearth {

// Seconds of the fastest run of work() in half a second.
template <class Work>
double best_time(const Work& work) {
  using Clock = std::chrono::steady_clock;
  double best = std::numeric_limits<double>::infinity();
  for (const auto end = Clock::now() + std::chrono::milliseconds(500); Clock::now() < end;) {
    const auto begin = Clock::now();
    work();
    best = std::min(best, std::chrono::duration<double>(Clock::now() - begin).count());
  }
  return best;
}

}  // namespace hearth
