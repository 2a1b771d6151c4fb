// Whether other programs compete with a measurement.
#pragma once

#include <optional>
#include <string>

namespace hearth::lab {

// Programs that wanted to run at once, on average over the last minute; nullopt if the system does
// not say.
std::optional<double> load_average();

// What to tell the reader of figures measured on n_threads threads at this load, taken before the
// first one; empty if nothing else runs.
std::string load_warning(double load, int n_threads);

}  // namespace hearth::lab
