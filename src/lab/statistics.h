// Summaries of repeated measurements.
#pragma once

#include <span>
#include <vector>

namespace hearth::lab {

struct Summary {
  double median = 0;
  double least = 0;
  double most = 0;
};

// Of at least one sample.
Summary summarize(std::span<const double> samples);

}  // namespace hearth::lab
