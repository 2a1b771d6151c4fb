#include "lab/svg_plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace hearth::lab {
namespace {

constexpr double kWidth = 860;
constexpr double kLabelWidth = 230;   // left of the bars
constexpr double kFigureWidth = 150;  // right of the longest whisker: median and note
constexpr double kMargin = 16;
constexpr double kBarHeight = 14;
constexpr double kRowGap = 10;
constexpr double kPanelGap = 30;
// Told apart by eyes of every kind, and in grey.
constexpr std::array<const char*, 4> kColours = {"#d9480f", "#4c6ef5", "#2b8a3e", "#868e96"};

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      // XML has no other control characters, escaped or not.
      default: out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
  }
  return out;
}

std::string figure(double value) {
  return value >= 100 ? fmt::format("{:.0f}", value) : fmt::format("{:.3g}", value);
}

// 1, 2 or 5 times a power of ten, so that about four of them make `most`.
double tick_step(double most) {
  const double rough = most / 4;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (rough <= factor * power) return factor * power;
  }
  return 10 * power;
}

class Drawing {
 public:
  explicit Drawing(const BarPlot& plot) : plot_(plot) {}

  std::string draw() {
    text(kMargin, 28, plot_.title, "font-size=\"17\" font-weight=\"bold\"");
    text(kMargin, 48, plot_.subtitle, "fill=\"#555\"");
    y_ = 62;
    legend();
    for (const PlotPanel& panel : plot_.panels) draw_panel(panel);
    return fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:.0f}\" height=\"{1:.0f}\" "
        "viewBox=\"0 0 {0:.0f} {1:.0f}\" font-family=\"sans-serif\" font-size=\"12\" "
        "fill=\"#111\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n{2}</svg>\n",
        kWidth, y_ + kMargin, body_);
  }

 private:
  void text(double x, double y, std::string_view words, std::string_view attributes = "") {
    body_ += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" {}>{}</text>\n", x, y, attributes,
                         escaped(words));
  }
  void line(double x1, double y1, double x2, double y2, std::string_view colour) {
    body_ += fmt::format(
        "<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"{}\"/>\n", x1, y1,
        x2, y2, colour);
  }
  void bar(double x, double y, double width, size_t series) {
    body_ += fmt::format(
        "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" fill=\"{}\"/>\n", x, y,
        width, kBarHeight - 2, kColours[series % kColours.size()]);
  }

  void legend() {
    double x = kMargin;
    for (size_t i = 0; i < plot_.series.size(); ++i) {
      bar(x, y_, kBarHeight - 2, i);
      text(x + 18, y_ + 10, plot_.series[i]);
      x += 40 + 7.0 * static_cast<double>(plot_.series[i].size());
    }
    y_ += 14;
  }

  void draw_panel(const PlotPanel& panel) {
    double most = 0;
    for (const PlotRow& row : panel.rows) {
      for (const auto& one : row.bars) most = std::max(most, one ? one->most : 0);
    }
    scale_ = most > 0 ? (kWidth - kLabelWidth - kFigureWidth) / most : 0;
    y_ += kPanelGap;
    text(kMargin, y_, panel.title, "font-weight=\"bold\"");
    y_ += kRowGap;
    const double top = y_;
    const size_t before = body_.size();
    for (const PlotRow& row : panel.rows) draw_row(row);
    const std::string rows = body_.substr(before);  // over the grid
    body_.resize(before);
    draw_grid(most, top);
    body_ += rows;
  }

  void draw_grid(double most, double top) {
    if (most <= 0) return;
    const double step = tick_step(most);
    for (int i = 0; i * step <= most; ++i) {
      const double x = kLabelWidth + i * step * scale_;
      line(x, top, x, y_, i == 0 ? "#555" : "#ddd");
      const std::string label = figure(i * step);
      text(x, y_ + 14, i == 0 ? plot_.unit : label, "text-anchor=\"middle\" fill=\"#555\"");
    }
    y_ += 16;
  }

  void draw_row(const PlotRow& row) {
    const double height = kBarHeight * static_cast<double>(std::max<size_t>(1, row.bars.size()));
    text(kLabelWidth - 10, y_ + height / 2 + 4, row.label, "text-anchor=\"end\"");
    double right = kLabelWidth;
    for (size_t i = 0; i < row.bars.size(); ++i) {
      const double y = y_ + kBarHeight * static_cast<double>(i);
      if (!row.bars[i]) continue;
      const Summary& one = *row.bars[i];
      const double middle = y + (kBarHeight - 2) / 2;
      bar(kLabelWidth, y, one.median * scale_, i);
      line(kLabelWidth + one.least * scale_, middle, kLabelWidth + one.most * scale_, middle,
           "#111");
      for (const double end : {one.least, one.most})
        line(kLabelWidth + end * scale_, middle - 3, kLabelWidth + end * scale_, middle + 3,
             "#111");
      const double x = kLabelWidth + one.most * scale_ + 6;
      text(x, y + kBarHeight - 3, figure(one.median));
      right = std::max(right, x + 46);
    }
    text(right + 6, y_ + height / 2 + 4, row.note, "font-weight=\"bold\"");
    y_ += height + kRowGap;
  }

  const BarPlot& plot_;
  std::string body_;
  double y_ = 0;
  double scale_ = 0;  // pixels a unit
};

}  // namespace

std::string svg_of(const BarPlot& plot) { return Drawing(plot).draw(); }

}  // namespace hearth::lab
