#include "lab/profile.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "base/print.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/json_output.h"
#include "cli/open_model.h"
#include "cli/report/profile_report.h"
#include "cli/workload_options.h"

namespace hearth::cli {
namespace {

struct Options {
  ModelOptions model;
  lab::WorkloadLists lists = {{512}, {16}, {0}, {1}};
  int32_t n_repeats = 5;
  bool has_each_operation = false;
  bool as_json = false;
};

Result<ProfileReport> measure(Options options) {
  const InterruptGuard interrupt;
  const auto works = TRY(lab::list_workloads(options.lists));
  TRY(size_cache(works, options.model));
  const OpenModel open = TRY(open_model_for_numbers(options.model));
  lab::StepTimer timer(*open.model);
  for (const lab::Workload& work : works) TRY(timer.check_fits(work));
  ProfileReport report;
  report.model = options.model.model;
  report.backend = open.model->backend().description();
  report.n_threads = open.n_threads;
  report.limits = TRY(lab::measure_limits(timer, open.n_threads));
  const lab::ProfileOptions profile = {
      report.limits, options.has_each_operation ? lab::Detail::kOperations : lab::Detail::kKinds,
      options.n_repeats, [&] { return interrupt.is_set(); }};
  for (const lab::Workload& work : works)
    report.profiles.push_back(TRY(lab::profile_work(timer, work, profile)));
  return report;
}

Result<void> run(const Options& options) {
  auto report = measure(options);
  if (!report && report.error().code == ErrorCode::kCancelled)
    return fail(ErrorCode::kCancelled, "stopped by Ctrl-C");
  const ProfileReport measured = TRY(std::move(report));
  if (options.as_json)
    print_json(profile_json(measured));
  else
    write_out(profile_tables(measured));
  return {};
}

}  // namespace

void add_profile(CLI::App& app, Command& selected) {
  auto* command =
      add_command(app, "profile", "Show where the time of a step goes, operation by operation",
                  "hearth profile smollm2:135m -p 512\n"
                  "  hearth profile smollm2:135m -n 16 -d 0,4096 --per-op\n"
                  "  hearth profile smollm2:135m -n 16 -b 16 -d 256 --json");
  const auto options = std::make_shared<Options>();
  add_model_options(*command, options->model);
  command->get_option("--ctx")->description(
      "positions of the context (default: what the steps need)");
  add_workload_options(*command, options->lists);
  command
      ->add_option("-r,--repeats", options->n_repeats, "repeats; the one of median time is shown")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command->add_flag("--per-op", options->has_each_operation,
                    "a line for each operation, in the program's order, with its tensors");
  command->add_flag("--json", options->as_json, "print JSON");
  command->callback([command, &selected, options] {
    const bool has_prompt = command->count("--prompt") > 0;
    const bool has_generation = command->count("--generate") > 0;
    if (has_prompt && !has_generation) options->lists.generations = {0};
    if (has_generation && !has_prompt) options->lists.prompts = {0};
    selected = [options] { return run(*options); };
  });
}

}  // namespace hearth::cli
