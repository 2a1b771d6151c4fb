// Summaries of repeated measurements.
#pragma once

#include <span>
#include <vector>

namespace hearth::lab {

struct Summary {
  double median = 0;
  double least = 0;
  double most = 0;
  double low_quartile = 0;  // a quarter of the samples lies below; between two, linear
  double high_quartile = 0;

  // (most - least) / median: how far apart repeats of one thing came.
  double spread() const { return median > 0 ? (most - least) / median : 0; }
};

// Of at least one sample.
Summary summarize(std::span<const double> samples);

}  // namespace hearth::lab
