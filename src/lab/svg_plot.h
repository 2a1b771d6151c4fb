// Bar charts as SVG text.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lab/statistics.h"

namespace hearth::lab {

struct PlotRow {
  std::string label;
  std::vector<std::optional<Summary>> bars;  // one a series; nullopt: no figure
  std::string note;                          // beside the bars, such as "6.4x"
};

// Rows that share a scale.
struct PlotPanel {
  std::string title;
  std::vector<PlotRow> rows;
};

struct BarPlot {
  std::string title;
  std::string subtitle;
  std::string unit;  // of all values, "tokens/s"
  std::vector<std::string> series;
  std::vector<PlotPanel> panels;
};

// A document of its own: horizontal bars to the median, with whiskers from least to most and the
// median in figures. Any text is escaped; values are finite and not negative.
std::string svg_of(const BarPlot& plot);

}  // namespace hearth::lab
