#include "lab/bench.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>

#include "base/log.h"
#include "base/new_file.h"
#include "base/print.h"
#include "base/progress.h"
#include "base/usable_cpus.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/json_output.h"
#include "cli/open_model.h"
#include "cli/report/bench_report.h"
#include "cli/workload_options.h"
#include "lab/machine_load.h"

namespace hearth::cli {
namespace {

struct Options {
  ModelOptions model;
  lab::WorkloadLists lists;
  std::vector<int> threads;  // empty: the physical cores
  int32_t n_repeats = 5;
  std::string versus;  // "llama.cpp", or empty
  std::string peer_program;
  double peer_timeout_s = 600;
  bool as_json = false, as_csv = false;
  std::string plot_path;
};

// One command: a load for each number of threads, and one peer for all.
class Bench {
 public:
  explicit Bench(const Options& options) : options_(options), model_(options.model) {
    if (options_.threads.empty()) options_.threads = {usable_physical_cores()};
  }

  Result<void> run() {
    std::optional<NewFile> plot;  // made now, so that a path that cannot be had costs no measuring
    if (!options_.plot_path.empty()) plot = TRY(NewFile::create(options_.plot_path));
    report_.model = options_.model.model;
    report_.load_average = lab::load_average();
    auto measured = measure();
    if (!report_.rows.empty()) {  // of a run that was cut short, too
      print();
      if (plot) TRY(save(*plot));
    }
    if (!measured && measured.error().code == ErrorCode::kCancelled)
      return fail(ErrorCode::kCancelled, "stopped by Ctrl-C");
    return measured;
  }

 private:
  Result<void> measure() {
    const auto works = TRY(lab::list_workloads(options_.lists));
    TRY(size_cache(works, model_));
    TRY(start_peer());
    for (const int n_threads : options_.threads) TRY(measure_with(n_threads, works));
    return {};
  }

  Result<void> start_peer() {
    if (options_.versus.empty()) return {};
    const std::string path = TRY(find_model_file(options_.model.model));
    const lab::Patience patience = {options_.peer_timeout_s,
                                    [this] { return interrupt_.is_set(); }};
    peer_ = TRY(lab::open_peer({options_.peer_program, path, options_.model.kv_type, patience}));
    return {};
  }

  Result<void> measure_with(int n_threads, const std::vector<lab::Workload>& works) {
    model_.n_threads = n_threads;
    const OpenModel open = TRY(open_model_for_numbers(model_));
    const lab::MachineRates machine = TRY(lab::measure_machine(open.model->info(), open.n_threads));
    if (report_.backend.empty()) report_.backend = open.model->backend().description();
    report_.weight_type = quant::type_info(open.model->info().main_weight_type).name;
    auto progress = std::make_unique<Progress>(
        fmt::format("bench, {} threads", open.n_threads),
        static_cast<uint64_t>(lab::n_bench_repeats(works.size(), options_.n_repeats)), "repeats");
    progress->begin();
    uint64_t n_done = 0;
    const lab::BenchOptions bench = {options_.n_repeats, peer_.get(),
                                     [&] { progress->update(++n_done); },
                                     [this] { return interrupt_.is_set(); }};
    auto measured = lab::run_bench(*open.model, machine, works, bench, report_.rows);
    progress.reset();
    if (peer_ != nullptr) report_.peer = peer_->version();
    return measured;
  }

  void print() const {
    if (options_.as_json) {
      print_json(bench_json(report_));
    } else {
      write_out(options_.as_csv ? bench_csv(report_) : bench_table(report_));
    }
    for (const std::string& warning : bench_warnings(report_)) log_warning("{}", warning);
  }

  Result<void> save(NewFile& plot) const {
    const std::string svg = bench_svg(report_);
    TRY(plot.append(std::as_bytes(std::span(svg))));
    return plot.commit();
  }

  Options options_;
  ModelOptions model_;
  InterruptGuard interrupt_;
  std::unique_ptr<lab::Peer> peer_;
  BenchReport report_;
};

void add_output_options(CLI::App& command, Options& options) {
  auto* json = command.add_flag("--json", options.as_json, "print JSON, every sample included");
  command.add_flag("--csv", options.as_csv, "print CSV")->excludes(json);
  command.add_option("--plot", options.plot_path, "write a bar chart to this SVG file");
}

}  // namespace

void add_bench(CLI::App& app, Command& selected) {
  auto* command =
      add_command(app, "bench", "Time prompts and generation, alone or in turns with llama.cpp",
                  "hearth bench smollm2:135m -p 512 -n 64 -t 2 --json\n"
                  "  hearth bench smollm2:135m -d 0,4096 --vs llama.cpp --plot speed.svg\n"
                  "  hearth bench smollm2:135m -p 0 -b 1,2,4,8,16,32 -d 256");
  const auto options = std::make_shared<Options>();
  add_model_and_cache_options(*command, options->model);
  command->get_option("--ctx")->description(
      "positions of the context (default: what the rows need)");
  add_workload_options(*command, options->lists);
  command->add_option("-t,--threads", options->threads, "threads (default: the physical cores)")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(CLI::Range(1, 1024));
  command->add_option("-r,--repeats", options->n_repeats, "timed repeats of each row")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  auto* versus = command->add_option("--vs", options->versus, "race this engine, repeat by repeat")
                     ->check(CLI::IsMember({"llama.cpp"}));
  command
      ->add_option("--peer", options->peer_program,
                   "a Python interpreter that has llama_cpp, or a llama-bench (default: python3, "
                   "then llama-bench, on the PATH)")
      ->needs(versus);
  command
      ->add_option("--peer-timeout", options->peer_timeout_s,
                   "seconds that the peer may take for an answer")
      ->check(CLI::Range(0.1, 1e6))
      ->capture_default_str()
      ->needs(versus);
  add_output_options(*command, *options);
  command->callback(
      [&selected, options] { selected = [options] { return Bench(*options).run(); }; });
}

}  // namespace hearth::cli
