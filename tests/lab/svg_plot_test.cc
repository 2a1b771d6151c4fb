#include "lab/svg_plot.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace hearth::lab {
namespace {

// Empty if every tag is closed in order and every attribute quoted, else what is wrong. Enough of
// XML for documents without comments, sections or entities of their own.
std::string fault_of(std::string_view xml) {
  std::vector<std::string> open;
  for (size_t at = 0; (at = xml.find_first_of("<&", at)) != std::string_view::npos;) {
    const size_t end = xml.find(xml[at] == '<' ? '>' : ';', at);
    if (end == std::string_view::npos) return "unended at " + std::string(xml.substr(at, 20));
    std::string_view inside = xml.substr(at + 1, end - at - 1);
    if (xml[at] == '&') {
      if (inside != "amp" && inside != "lt" && inside != "gt" && inside != "quot")
        return "entity " + std::string(inside);
    } else if (inside.starts_with('/')) {
      if (open.empty() || open.back() != inside.substr(1)) return "closes " + std::string(inside);
      open.pop_back();
    } else {
      if (std::ranges::count(inside, '"') % 2 != 0) return "quotes in " + std::string(inside);
      if (!inside.ends_with('/')) open.emplace_back(inside.substr(0, inside.find(' ')));
    }
    at = end + 1;
  }
  return open.empty() ? "" : "open: " + open.back();
}

BarPlot some_plot() {
  BarPlot plot;
  plot.title = "a <model> & \"more\"\x01";
  plot.unit = "tokens/s";
  plot.series = {"Hearth", "llama.cpp"};
  plot.panels = {{"Prompt",
                  {{"prompt 512", {Summary{100, 90, 110}, Summary{25, 20, 30}}, "4.0x"},
                   {"prompt 1", {Summary{50, 50, 50}, std::nullopt}, ""}}},
                 {"Generation", {{"generate 64", {Summary{9, 8, 10}, Summary{3, 3, 3}}, "3.0x"}}}};
  return plot;
}

// Widths of the bars of one colour, in order.
std::vector<double> widths(const std::string& svg, const std::string& colour) {
  std::vector<double> found;
  for (size_t at = 0; (at = svg.find("<rect x=", at)) != std::string::npos; ++at) {
    const std::string tag = svg.substr(at, svg.find('>', at) - at);
    const size_t width = tag.find("width=\"") + 7;
    if (tag.find(colour) != std::string::npos) found.push_back(std::stod(tag.substr(width)));
  }
  return found;
}

TEST(SvgPlot, is_well_formed_whatever_the_text) {
  const std::string svg = svg_of(some_plot());
  EXPECT_EQ(fault_of(svg), "");
  EXPECT_TRUE(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""));
  EXPECT_NE(svg.find("a &lt;model&gt; &amp; &quot;more&quot; <"), std::string::npos);
  for (const char* word : {"prompt 512", "generate 64", "llama.cpp", "4.0x", "tokens/s"})
    EXPECT_NE(svg.find(word), std::string::npos) << word;
}

TEST(SvgPlot, bars_are_as_long_as_their_medians_within_a_panel) {
  const std::string svg = svg_of(some_plot());
  const auto ours = widths(svg, "#d9480f"), theirs = widths(svg, "#4c6ef5");
  ASSERT_EQ(ours.size(), 4u);    // one of the legend
  ASSERT_EQ(theirs.size(), 3u);  // and a row has no figure
  EXPECT_NEAR(ours[1] / ours[2], 2, 0.01);
  EXPECT_NEAR(ours[1] / theirs[1], 4, 0.01);
  EXPECT_NEAR(ours[3] / theirs[2], 3, 0.01);
}

TEST(SvgPlot, nothing_to_show_is_still_a_document) {
  EXPECT_EQ(fault_of(svg_of({})), "");
  BarPlot zeros = some_plot();
  for (PlotPanel& panel : zeros.panels) {
    for (PlotRow& row : panel.rows) row.bars = {Summary{}, std::nullopt};
  }
  EXPECT_EQ(fault_of(svg_of(zeros)), "");
  EXPECT_EQ(svg_of(zeros).find("nan"), std::string::npos);
}

}  // namespace
}  // namespace hearth::lab
