#include "lab/statistics.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace hearth::lab {
namespace {

double quantile(std::span<const double> sorted, double part) {
  const double place = part * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(place);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return std::lerp(sorted[below], sorted[above], place - static_cast<double>(below));
}

}  // namespace

Summary summarize(std::span<const double> samples) {
  CHECK(!samples.empty());
  std::vector<double> sorted(samples.begin(), samples.end());
  std::ranges::sort(sorted);
  return {quantile(sorted, 0.5), sorted.front(), sorted.back(), quantile(sorted, 0.25),
          quantile(sorted, 0.75)};
}

}  // namespace hearth::lab
