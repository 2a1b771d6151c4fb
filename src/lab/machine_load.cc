#include "lab/machine_load.h"

#include <fmt/format.h>
#include <stdlib.h>
#include <unistd.h>

namespace hearth::lab {

std::optional<double> load_average() {
  double load = 0;
  if (getloadavg(&load, 1) != 1) return std::nullopt;
  return load;
}

std::string load_warning(double load, int n_threads) {
  constexpr double kIdle = 0.3;  // daemons and the tail of what has ended
  if (load <= kIdle) return "";
  return fmt::format(
      "the load average was {:.2f} before the run: other work runs on this machine, or has just "
      "ended; figures of {} thread{} may be too low",
      load, n_threads, n_threads == 1 ? "" : "s");
}

}  // namespace hearth::lab
