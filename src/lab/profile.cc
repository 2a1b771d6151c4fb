#include "lab/profile.h"

#include <algorithm>
#include <set>

#include "lab/memory_bandwidth.h"
#include "lab/product_rate.h"
#include "lab/statistics.h"

namespace hearth::lab {
namespace {

using compute::OpProfile;
using compute::StepProfile;

// "ffn_down" of "blk.3.ffn_down.weight".
std::string role_of(std::string_view name) {
  if (name.ends_with(".weight")) name.remove_suffix(7);
  if (name.starts_with("blk.")) name.remove_prefix(std::min(name.size(), name.find('.', 4) + 1));
  return std::string(name);
}

// "a, b" of a, b, b: neighbours that are equal are named once.
std::string joined(const std::vector<std::string>& names) {
  std::string list;
  for (size_t i = 0; i < names.size(); ++i) {
    if (i > 0 && names[i] == names[i - 1]) continue;
    list += (i > 0 ? ", " : "") + names[i];
  }
  return list;
}

class LineMaker {
 public:
  LineMaker(const Limits& limits, Detail detail, WorkKind work)
      : limits_(limits), detail_(detail), work_(work) {}

  ProfileLine line_of(const OpProfile& op) const {
    ProfileLine line{.operation = std::string(op.kind), .weights = {}, .types = {}, .n_ops = 1};
    std::vector<std::string> names, types;
    double multiplying = 0;
    for (const compute::WeightWork& work : op.weights) {
      names.push_back(detail_ == Detail::kKinds ? role_of(work.name) : work.name);
      types.emplace_back(quant::type_info(work.type).name);
      line.bytes += static_cast<double>(work.bytes);
      line.macs += static_cast<double>(work.macs);
      if (const auto rate = limits_.macs_per_s.find(work.type); rate != limits_.macs_per_s.end())
        multiplying += static_cast<double>(work.macs) / rate->second;
    }
    line.weights = joined(names);
    line.types = joined(types);
    line.bytes += static_cast<double>(op.kv_bytes);
    line.macs += static_cast<double>(op.attention_macs);
    line.seconds = op.run.seconds;
    line.waited_seconds = op.run.waited_seconds;
    set_bound(line, multiplying);
    return line;
  }

 private:
  void set_bound(ProfileLine& line, double multiplying) const {
    const double reading = line.bytes / limits_.read_bytes_per_s;
    const bool is_unknown = work_ == WorkKind::kPrompt && line.macs > 0 && multiplying == 0;
    if (is_unknown || line.bytes == 0) return;
    line.bound = reading > multiplying ? Bound::kReading : Bound::kProducts;
    line.bound_seconds = std::max(reading, multiplying);
  }

  const Limits& limits_;
  Detail detail_;
  WorkKind work_;
};

void add(ProfileLine& sum, const ProfileLine& line) {
  sum.n_ops += line.n_ops;
  sum.seconds += line.seconds;
  sum.waited_seconds += line.waited_seconds;
  sum.bytes += line.bytes;
  sum.macs += line.macs;
  sum.bound_seconds += line.bound_seconds;
}

void scale(ProfileLine& line, double factor) {
  for (double* figure : {&line.n_ops, &line.seconds, &line.waited_seconds, &line.bytes, &line.macs,
                         &line.bound_seconds})
    *figure *= factor;
}

double seconds_of(const std::vector<StepProfile>& steps) {
  double sum = 0;
  for (const StepProfile& step : steps) sum += step.seconds;
  return sum;
}

// A line an operation, or a kind; those of all steps added up. The step's start is the last.
std::vector<ProfileLine> sum_lines(const std::vector<StepProfile>& steps, const LineMaker& maker,
                                   Detail detail) {
  std::vector<ProfileLine> lines;
  double in_ops = 0;
  for (const StepProfile& step : steps) {
    for (size_t i = 0; i < step.ops.size(); ++i) {
      const ProfileLine line = maker.line_of(step.ops[i]);
      in_ops += line.seconds;
      const auto same = std::ranges::find_if(lines, [&](const ProfileLine& other) {
        return detail == Detail::kOperations
                   ? &other == lines.data() + i
                   : other.operation == line.operation && other.weights == line.weights &&
                         other.types == line.types && other.bound == line.bound;
      });
      if (same == lines.end())
        lines.push_back(line);
      else
        add(*same, line);
    }
  }
  ProfileLine start{.operation = "start", .weights = {}, .types = {}};
  start.n_ops = static_cast<double>(steps.size());
  start.seconds = std::max(0.0, seconds_of(steps) - in_ops);
  lines.push_back(start);
  return lines;
}

}  // namespace

Result<Profile> profile_work(StepTimer& timer, const Workload& work,
                             const ProfileOptions& options) {
  std::vector<std::vector<StepProfile>> repeats;
  std::vector<double> unprofiled;
  TRY(timer.time(work, options.is_cancelled));
  for (int32_t i = 0; i < std::max(options.n_repeats, 1); ++i) {
    repeats.push_back(TRY(timer.profile(work, options.is_cancelled)));
    unprofiled.push_back(TRY(timer.time(work, options.is_cancelled)));
  }
  const auto middle = repeats.begin() + std::ssize(repeats) / 2;
  std::ranges::nth_element(repeats, middle, {}, seconds_of);
  const auto n_steps = static_cast<double>(middle->size());
  Profile profile{.work = work,
                  .n_steps = static_cast<int32_t>(middle->size()),
                  .seconds = seconds_of(*middle) / n_steps,
                  .unprofiled_seconds = summarize(unprofiled).median / n_steps,
                  .lines = sum_lines(*middle, LineMaker(options.limits, options.detail, work.kind),
                                     options.detail)};
  for (ProfileLine& line : profile.lines) scale(line, 1 / n_steps);
  if (options.detail == Detail::kKinds)
    std::ranges::stable_sort(profile.lines, std::greater<>(), &ProfileLine::seconds);
  return profile;
}

Result<Limits> measure_limits(StepTimer& timer, int n_threads) {
  Limits limits;
  limits.read_bytes_per_s = TRY(measure_read_bandwidth(n_threads));
  std::set<quant::Type> types;
  const Workload one_token = {WorkKind::kGeneration, 1, 0, 1};
  for (const StepProfile& step : TRY(timer.profile(one_token, {}))) {
    for (const OpProfile& op : step.ops) {
      for (const compute::WeightWork& work : op.weights)
        if (work.macs > 0) types.insert(work.type);
    }
  }
  for (const quant::Type type : types) {
    if (const auto rate = TRY(measure_product_rate(type, n_threads)))
      limits.macs_per_s[type] = *rate;
  }
  return limits;
}

}  // namespace hearth::lab
