#include "cli/report/bench_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "cli/report/text_table.h"
#include "lab/machine_load.h"

namespace hearth::cli {
namespace {

constexpr double kNoisySpread = 0.10;

bool is_prompt(const lab::BenchRow& row) { return row.work.kind == lab::WorkKind::kPrompt; }

lab::Summary rates(const lab::BenchRow& row) { return lab::summarize(row.rates()); }

// The figures that follow from a row's median rate.
struct Derived {
  explicit Derived(const lab::BenchRow& row) {
    const double rate = rates(row).median;
    ms_per_step = 1e3 * static_cast<double>(row.work.total_tokens()) / rate / row.n_steps;
    bytes_per_s = row.bytes_per_token * rate;
    macs_per_s = row.macs_per_token * rate;
    of_read = bytes_per_s / row.machine.read_bytes_per_s;
    if (row.machine.macs_per_s) of_products = macs_per_s / *row.machine.macs_per_s;
  }
  double ms_per_step, bytes_per_s, macs_per_s, of_read;
  std::optional<double> of_products;
};

std::string name_of(const lab::BenchRow& row) {
  return fmt::format("{} at depth {}", row.work.label(), row.work.depth);
}

std::string range_of(const lab::Summary& summary) {
  return fmt::format("{:.5g}..{:.5g}", summary.least, summary.most);
}

Cells table_row(const lab::BenchRow& row, bool has_peer) {
  const lab::Summary rate = rates(row);
  const Derived derived(row);
  Cells cells = {
      row.work.label(),
      fmt::format("{}", row.work.depth),
      fmt::format("{}", row.machine.n_threads),
      fmt::format("{:.2f}", rate.median),
      range_of(rate),
      fmt::format("{:.1f}%", 100 * (rate.high_quartile - rate.low_quartile) / rate.median),
      fmt::format("{:.2f}", derived.ms_per_step)};
  if (is_prompt(row)) {
    cells.insert(cells.end(), {"-", "-", "-"});
  } else {
    cells.push_back(fmt::format("{:.1f}", row.bytes_per_token * 1e-6));
    cells.push_back(fmt::format("{:.1f}", derived.bytes_per_s * 1e-9));
    cells.push_back(fmt::format("{:.0f}%", 100 * derived.of_read));
  }
  cells.push_back(fmt::format("{:.0f}", derived.macs_per_s * 1e-9));
  const bool is_bound_by_products = is_prompt(row) || row.work.n_sequences > 1;
  cells.push_back(is_bound_by_products && derived.of_products
                      ? fmt::format("{:.0f}%", 100 * *derived.of_products)
                      : "-");
  if (!has_peer) return cells;
  if (row.peer_seconds.empty()) {
    cells.insert(cells.end(), {"failed", "-", "-", "-"});
    return cells;
  }
  const lab::Summary theirs = lab::summarize(row.peer_rates());
  const lab::Summary ratio = lab::summarize(row.ratios());
  cells.push_back(fmt::format("{:.2f}", theirs.median));
  cells.push_back(range_of(theirs));
  cells.push_back(fmt::format("{:.2f}", ratio.median));
  cells.push_back(fmt::format("{:.2f}..{:.2f}", ratio.least, ratio.most));
  return cells;
}

std::string machine_line(const BenchReport& report, const lab::MachineRates& machine) {
  const std::string readers =
      machine.n_threads == 1 ? "1 thread reads" : fmt::format("{} threads read", machine.n_threads);
  std::string text = fmt::format("{} {:.1f} GB/s", readers, machine.read_bytes_per_s * 1e-9);
  if (machine.macs_per_s) {
    text += fmt::format(", the {} kernel reaches {:.0f} GMAC/s", report.weight_type,
                        *machine.macs_per_s * 1e-9);
  }
  return text + "\n";
}

nlohmann::ordered_json summary_json(const std::vector<double>& samples) {
  const lab::Summary summary = lab::summarize(samples);
  return {{"median", summary.median},
          {"least", summary.least},
          {"most", summary.most},
          {"low_quartile", summary.low_quartile},
          {"high_quartile", summary.high_quartile},
          {"samples", samples}};
}

nlohmann::ordered_json row_json(const lab::BenchRow& row, bool has_peer) {
  const Derived derived(row);
  nlohmann::ordered_json json = {{"work", row.work.kind_name()},
                                 {"tokens", row.work.n_tokens},
                                 {"sequences", row.work.n_sequences},
                                 {"depth", row.work.depth},
                                 {"threads", row.machine.n_threads},
                                 {"tokens_per_s", summary_json(row.rates())},
                                 {"ms_per_step", derived.ms_per_step},
                                 {"bytes_per_token", row.bytes_per_token},
                                 {"bytes_per_s", derived.bytes_per_s},
                                 {"read_bandwidth_bytes_per_s", row.machine.read_bytes_per_s},
                                 {"of_read_bandwidth", derived.of_read},
                                 {"macs_per_s", derived.macs_per_s}};
  if (row.machine.macs_per_s) {
    json["product_rate_macs_per_s"] = *row.machine.macs_per_s;
    json["of_product_rate"] = *derived.of_products;
  }
  if (!row.peer_seconds.empty()) {
    json["peer"] = {{"tokens_per_s", summary_json(row.peer_rates())},
                    {"ratio", summary_json(row.ratios())}};
  } else if (has_peer) {
    json["peer"] = {{"error", row.peer_error}};
  }
  return json;
}

const lab::BenchRow* first_of(const BenchReport& report, lab::WorkKind kind) {
  const auto found = std::ranges::find_if(
      report.rows, [kind](const lab::BenchRow& row) { return row.work.kind == kind; });
  return found == report.rows.end() ? nullptr : &*found;
}

// Repeat by repeat, both figures, 0 for one that was not asked for.
nlohmann::ordered_json samples_json(const lab::BenchRow* prompt, const lab::BenchRow* generation) {
  const std::vector<double> prompts = prompt ? prompt->rates() : std::vector<double>();
  const std::vector<double> generations = generation ? generation->rates() : std::vector<double>();
  auto samples = nlohmann::ordered_json::array();
  for (size_t i = 0; i < std::max(prompts.size(), generations.size()); ++i) {
    samples.push_back({{"prompt_tokens_per_s", i < prompts.size() ? prompts[i] : 0},
                       {"generation_tokens_per_s", i < generations.size() ? generations[i] : 0}});
  }
  return samples;
}

std::string csv_cell(std::string text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  for (size_t at = 0; (at = text.find('"', at)) != std::string::npos; at += 2)
    text.insert(at, "\"");
  return "\"" + text + "\"";
}

Cells csv_row(const BenchReport& report, const lab::BenchRow& row) {
  const Derived derived(row);
  const auto number = [](double value) { return fmt::format("{:.6g}", value); };
  Cells cells = {report.model,
                 row.work.kind_name(),
                 fmt::format("{}", row.work.n_tokens),
                 fmt::format("{}", row.work.n_sequences),
                 fmt::format("{}", row.work.depth),
                 fmt::format("{}", row.machine.n_threads),
                 fmt::format("{}", row.seconds.size())};
  const auto add_summary = [&](const std::vector<double>& samples) {
    if (samples.empty()) return cells.insert(cells.end(), 5, "");
    const lab::Summary s = lab::summarize(samples);
    return cells.insert(cells.end(), {number(s.median), number(s.least), number(s.most),
                                      number(s.low_quartile), number(s.high_quartile)});
  };
  add_summary(row.rates());
  for (const double value : {derived.ms_per_step, row.bytes_per_token, derived.bytes_per_s,
                             derived.of_read, derived.macs_per_s})
    cells.push_back(number(value));
  cells.push_back(derived.of_products ? number(*derived.of_products) : "");
  cells.push_back(report.peer);
  add_summary(row.peer_rates());
  add_summary(row.ratios());
  cells.push_back(row.peer_error);
  return cells;
}

}  // namespace

std::string bench_table(const BenchReport& report) {
  const bool has_peer = !report.peer.empty();
  std::string text = fmt::format("{}; medians of {} repeats\n", report.backend,
                                 report.rows.front().seconds.size());
  int n_threads = 0;
  for (const lab::BenchRow& row : report.rows) {
    if (row.machine.n_threads != n_threads) text += machine_line(report, row.machine);
    n_threads = row.machine.n_threads;
  }
  Cells head = {"work",    "depth",    "threads", "tokens/s", "least..most", "IQR",
                "ms/step", "MB/token", "GB/s",    "of read",  "GMAC/s",      "of kernel"};
  if (has_peer) {
    text += fmt::format("in turns with {}\n", report.peer);
    head.insert(head.end(), {"llama.cpp", "least..most", "ratio", "least..most"});
  }
  std::vector<Cells> lines = {head};
  for (const lab::BenchRow& row : report.rows) lines.push_back(table_row(row, has_peer));
  return text + text_table(lines, 1);
}

std::string bench_csv(const BenchReport& report) {
  std::string text =
      "model,work,tokens,sequences,depth,threads,repeats,tokens_per_s,least,most,low_quartile,"
      "high_quartile,ms_per_step,bytes_per_token,bytes_per_s,of_read_bandwidth,macs_per_s,"
      "of_product_rate,peer,peer_tokens_per_s,peer_least,peer_most,peer_low_quartile,"
      "peer_high_quartile,ratio,ratio_least,ratio_most,ratio_low_quartile,ratio_high_quartile,"
      "peer_error\n";
  for (const lab::BenchRow& row : report.rows) {
    Cells cells = csv_row(report, row);
    for (std::string& cell : cells) cell = csv_cell(std::move(cell));
    text += fmt::format("{}\n", fmt::join(cells, ","));
  }
  return text;
}

nlohmann::ordered_json bench_json(const BenchReport& report) {
  const lab::BenchRow* prompt = first_of(report, lab::WorkKind::kPrompt);
  const lab::BenchRow* generation = first_of(report, lab::WorkKind::kGeneration);
  const lab::BenchRow& first = report.rows.front();
  nlohmann::ordered_json json = {
      {"model", report.model},
      {"backend", report.backend},
      {"threads", first.machine.n_threads},
      {"prompt_tokens", prompt ? prompt->work.n_tokens : 0},
      {"generated_tokens", generation ? generation->work.n_tokens : 0},
      {"depth", first.work.depth},
      {"prompt_tokens_per_s", prompt ? rates(*prompt).median : 0},
      {"generation_tokens_per_s", generation ? rates(*generation).median : 0},
      {"generation_bytes_per_s", generation ? Derived(*generation).bytes_per_s : 0},
      {"read_bandwidth_bytes_per_s", first.machine.read_bytes_per_s},
      {"samples", samples_json(prompt, generation)}};
  if (report.load_average) json["load_average"] = *report.load_average;
  if (!report.peer.empty()) json["peer"] = report.peer;
  json["warnings"] = bench_warnings(report);
  json["rows"] = nlohmann::ordered_json::array();
  for (const lab::BenchRow& row : report.rows)
    json["rows"].push_back(row_json(row, !report.peer.empty()));
  return json;
}

std::vector<std::string> bench_warnings(const BenchReport& report) {
  std::vector<std::string> warnings;
  if (report.load_average) {
    std::string load =
        lab::load_warning(*report.load_average, report.rows.front().machine.n_threads);
    if (!load.empty()) warnings.push_back(std::move(load));
  }
  std::vector<std::string> noisy;
  const auto judge = [&](const std::string& name, const std::vector<double>& samples) {
    const double spread = samples.empty() ? 0 : lab::summarize(samples).spread();
    if (spread > kNoisySpread) noisy.push_back(fmt::format("{} ({:.0f}%)", name, 100 * spread));
  };
  for (const lab::BenchRow& row : report.rows) {
    judge(name_of(row), row.rates());
    judge("llama.cpp's " + name_of(row), row.peer_rates());
  }
  if (!noisy.empty()) {
    warnings.push_back(fmt::format(
        "repeats lie more than {:.0f}% apart, of: {}; the machine is noisy, or -r too small",
        100 * kNoisySpread, fmt::join(noisy, ", ")));
  }
  for (const lab::BenchRow& row : report.rows) {
    if (!row.peer_error.empty())
      warnings.push_back(
          fmt::format("{}: no figure of the peer: {}", name_of(row), row.peer_error));
  }
  return warnings;
}

}  // namespace hearth::cli
