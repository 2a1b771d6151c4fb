#include "cli/report/profile_report.h"

#include <fmt/format.h>

#include "cli/report/text_table.h"

namespace hearth::cli {
namespace {

using Json = nlohmann::ordered_json;

// "-" for a figure of nothing.
std::string figure(double value, int digits) {
  return value > 0 ? fmt::format("{:.{}f}", value, digits) : "-";
}

std::string percent(double part, double whole) {
  return whole > 0 ? fmt::format("{:.1f}%", 100 * part / whole) : "-";
}

const char* bound_name(lab::Bound bound) {
  switch (bound) {
    case lab::Bound::kNone: return "-";
    case lab::Bound::kReading: return "reading";
    case lab::Bound::kProducts: return "products";
  }
  return "-";
}

// Without a bound if a line that multiplies has none.
lab::ProfileLine sum_of(const lab::Profile& profile) {
  lab::ProfileLine sum{.operation = "total", .weights = {}, .types = {}};
  sum.seconds = profile.seconds;
  bool is_known = true;
  for (const lab::ProfileLine& line : profile.lines) {
    if (line.operation != "start") sum.n_ops += line.n_ops;
    sum.waited_seconds += line.waited_seconds;
    sum.bytes += line.bytes;
    sum.macs += line.macs;
    sum.bound_seconds += line.bound_seconds;
    is_known = is_known && (line.macs == 0 || line.bound != lab::Bound::kNone);
  }
  if (!is_known) sum.bound_seconds = 0;
  return sum;
}

Cells cells_of(const lab::ProfileLine& line, double step_seconds) {
  return {line.operation,
          line.weights,
          line.types,
          fmt::format("{:.0f}", line.n_ops),
          percent(line.seconds, step_seconds),
          fmt::format("{:.3f}", line.seconds * 1e3),
          fmt::format("{:.3f}", line.waited_seconds * 1e3),
          figure(line.bytes * 1e-6, 2),
          figure(line.macs * 1e-6, 1),
          figure(line.bytes / line.seconds * 1e-9, 1),
          figure(line.macs / line.seconds * 1e-9, 1),
          bound_name(line.bound),
          line.bound_seconds > 0 ? percent(line.bound_seconds, line.seconds) : "-"};
}

std::string profile_table(const lab::Profile& profile) {
  std::string text = fmt::format("\n{} at depth {}: {:.3f} ms a step; {:.3f} ms unprofiled\n",
                                 profile.work.label(), profile.work.depth, profile.seconds * 1e3,
                                 profile.unprofiled_seconds * 1e3);
  std::vector<Cells> lines = {{"operation", "weights", "type", "ops", "of step", "ms", "waited ms",
                               "MB", "MMAC", "GB/s", "GMAC/s", "bound", "of bound"}};
  for (const lab::ProfileLine& line : profile.lines)
    lines.push_back(cells_of(line, profile.seconds));
  lines.push_back(cells_of(sum_of(profile), profile.seconds));
  return text + text_table(lines, 3);
}

Json line_json(const lab::ProfileLine& line, double step_seconds) {
  Json json = {{"operation", line.operation},
               {"weights", line.weights},
               {"types", line.types},
               {"ops", line.n_ops},
               {"of_step", line.seconds / step_seconds},
               {"seconds", line.seconds},
               {"waited_seconds", line.waited_seconds},
               {"bytes", line.bytes},
               {"macs", line.macs},
               {"bytes_per_s", line.bytes / line.seconds},
               {"macs_per_s", line.macs / line.seconds}};
  if (line.bound_seconds > 0) {
    if (line.bound != lab::Bound::kNone) json["bound"] = bound_name(line.bound);
    json["bound_seconds"] = line.bound_seconds;
    json["of_bound"] = line.bound_seconds / line.seconds;
  }
  return json;
}

Json work_json(const lab::Profile& profile) {
  auto lines = Json::array();
  for (const lab::ProfileLine& line : profile.lines)
    lines.push_back(line_json(line, profile.seconds));
  return {{"work", profile.work.kind_name()},
          {"tokens", profile.work.n_tokens},
          {"sequences", profile.work.n_sequences},
          {"depth", profile.work.depth},
          {"steps", profile.n_steps},
          {"seconds", profile.seconds},
          {"unprofiled_seconds", profile.unprofiled_seconds},
          {"lines", lines},
          {"total", line_json(sum_of(profile), profile.seconds)}};
}

}  // namespace

std::string profile_tables(const ProfileReport& report) {
  std::string text =
      fmt::format("{}\nreading {:.1f} GB/s", report.backend, report.limits.read_bytes_per_s * 1e-9);
  for (const auto& [type, rate] : report.limits.macs_per_s)
    text += fmt::format(", {} kernel {:.0f} GMAC/s", quant::type_info(type).name, rate * 1e-9);
  text += "\n";
  for (const lab::Profile& profile : report.profiles) text += profile_table(profile);
  return text;
}

nlohmann::ordered_json profile_json(const ProfileReport& report) {
  Json rates = Json::object();
  for (const auto& [type, rate] : report.limits.macs_per_s)
    rates[std::string(quant::type_info(type).name)] = rate;
  auto profiles = Json::array();
  for (const lab::Profile& profile : report.profiles) profiles.push_back(work_json(profile));
  return {{"model", report.model},
          {"backend", report.backend},
          {"threads", report.n_threads},
          {"read_bandwidth_bytes_per_s", report.limits.read_bytes_per_s},
          {"product_rate_macs_per_s", rates},
          {"profiles", profiles}};
}

}  // namespace hearth::cli
