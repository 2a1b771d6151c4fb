// What a benchmark measured, as a table for people, and as CSV, JSON and a chart.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "lab/bench.h"

namespace hearth::cli {

struct BenchReport {
  std::string model;                   // as the user named it
  std::string backend;                 // Backend::description()
  std::string weight_type;             // whose product rate MachineRates has
  std::string peer;                    // its version; empty: none raced
  std::optional<double> load_average;  // before the first measurement
  std::vector<lab::BenchRow> rows;     // at least one
};

std::string bench_table(const BenchReport& report);
std::string bench_csv(const BenchReport& report);  // a head line, then a line a row

// {"model", "threads", "prompt_tokens_per_s", ..., "rows": [...]}: the named figures are those of
// the first prompt and the first generation.
nlohmann::ordered_json bench_json(const BenchReport& report);

std::string bench_svg(const BenchReport& report);

// Lines on what makes the figures doubtful: other load, repeats that lie far apart, a peer that
// failed.
std::vector<std::string> bench_warnings(const BenchReport& report);

}  // namespace hearth::cli
