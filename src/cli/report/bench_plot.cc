// The rows of a benchmark as a bar chart: prompts and generations have a scale each.
#include <fmt/format.h>

#include "cli/report/bench_report.h"
#include "lab/svg_plot.h"

namespace hearth::cli {
namespace {

template <class Of>
bool differs(const std::vector<lab::BenchRow>& rows, Of of) {
  return std::ranges::any_of(rows, [&](const auto& row) { return of(row) != of(rows.front()); });
}

std::optional<lab::Summary> summary_of(const std::vector<double>& samples) {
  if (samples.empty()) return std::nullopt;
  return lab::summarize(samples);
}

class PlotMaker {
 public:
  explicit PlotMaker(const BenchReport& report)
      : report_(report),
        has_threads_(differs(report.rows, [](const auto& row) { return row.machine.n_threads; })),
        has_depth_(differs(report.rows, [](const auto& row) { return row.work.depth; })) {}

  lab::BarPlot make() const {
    lab::BarPlot plot;
    plot.title = report_.model;
    plot.subtitle = fmt::format("{}; medians of {} repeats, with their least and most",
                                report_.backend, report_.rows.front().seconds.size());
    plot.unit = "tokens/s";
    plot.series = {"Hearth"};
    if (!report_.peer.empty()) plot.series.push_back("llama.cpp (" + report_.peer + ")");
    add_panel(plot, "Prompt, tokens/s", lab::WorkKind::kPrompt);
    add_panel(plot, "Generation, tokens/s of all sequences", lab::WorkKind::kGeneration);
    return plot;
  }

 private:
  void add_panel(lab::BarPlot& plot, const char* title, lab::WorkKind kind) const {
    lab::PlotPanel panel{title, {}};
    for (const lab::BenchRow& row : report_.rows) {
      if (row.work.kind == kind) panel.rows.push_back(plot_row(row));
    }
    if (!panel.rows.empty()) plot.panels.push_back(std::move(panel));
  }

  lab::PlotRow plot_row(const lab::BenchRow& row) const {
    lab::PlotRow out;
    out.label = row.work.label();
    if (has_depth_ || row.work.depth > 0) out.label += fmt::format(", depth {}", row.work.depth);
    if (has_threads_) out.label += fmt::format(", {} threads", row.machine.n_threads);
    out.bars = {summary_of(row.rates())};
    if (report_.peer.empty()) return out;
    out.bars.push_back(summary_of(row.peer_rates()));
    if (const auto ratio = summary_of(row.ratios()))
      out.note = fmt::format("{:.1f}x", ratio->median);
    return out;
  }

  const BenchReport& report_;
  bool has_threads_, has_depth_;
};

}  // namespace

std::string bench_svg(const BenchReport& report) { return lab::svg_of(PlotMaker(report).make()); }

}  // namespace hearth::cli
