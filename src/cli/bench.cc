#include "lab/bench.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>

#include "base/print.h"
#include "base/progress.h"
#include "cli/command.h"
#include "cli/json_output.h"
#include "cli/open_model.h"
#include "lab/memory_bandwidth.h"

namespace hearth::cli {
namespace {

struct Options {
  ModelOptions model;
  lab::BenchOptions bench;
  bool as_json = false;
};

nlohmann::ordered_json samples_json(const lab::BenchResult& result) {
  auto samples = nlohmann::ordered_json::array();
  for (const lab::BenchSample& sample : result.samples) {
    samples.push_back({{"prompt_tokens_per_s", sample.prompt_tokens_per_s},
                       {"generation_tokens_per_s", sample.generation_tokens_per_s}});
  }
  return samples;
}

Result<void> run(Options options) {
  const int32_t needed =
      options.bench.depth + std::max(options.bench.n_prompt, options.bench.n_generate + 1);
  if (options.model.n_ctx == 0) options.model.n_ctx = needed;
  const OpenModel open = TRY(open_model_for_numbers(options.model));
  std::unique_ptr<Progress> progress;
  options.bench.progress = [&progress](uint64_t done, uint64_t total) {
    if (progress == nullptr) progress = std::make_unique<Progress>("bench", total, "repeats");
    progress->update(done);
    return true;
  };
  const double bandwidth = TRY(lab::measure_read_bandwidth(open.n_threads));
  const lab::BenchResult result = TRY(lab::run_bench(*open.model, options.bench));
  progress.reset();
  const double used = result.generation_bytes_per_token * result.generation_tokens_per_s.median;
  if (options.as_json) {
    print_json({{"model", options.model.model},
                {"backend", open.model->backend().description()},
                {"threads", open.n_threads},
                {"prompt_tokens", options.bench.n_prompt},
                {"generated_tokens", options.bench.n_generate},
                {"depth", options.bench.depth},
                {"prompt_tokens_per_s", result.prompt_tokens_per_s.median},
                {"generation_tokens_per_s", result.generation_tokens_per_s.median},
                {"generation_bytes_per_s", used},
                {"read_bandwidth_bytes_per_s", bandwidth},
                {"samples", samples_json(result)}});
    return {};
  }
  const auto print_rate = [](const char* name, int32_t n, const lab::Summary& rate) {
    if (n > 0)
      print_out("{:<10}  {:>5} tokens  {:>9.2f} tokens/s  ({:.2f} to {:.2f})\n", name, n,
                rate.median, rate.least, rate.most);
  };
  print_out("{}, {} repeats, depth {}\n", open.model->backend().description(),
            result.samples.size(), options.bench.depth);
  print_rate("prompt", options.bench.n_prompt, result.prompt_tokens_per_s);
  print_rate("generation", options.bench.n_generate, result.generation_tokens_per_s);
  if (options.bench.n_generate > 0) {
    print_out(
        "generation reads {:.2f} GB/s, {:.0f}% of the {:.2f} GB/s that {} threads read here\n",
        used / 1e9, 100 * used / bandwidth, bandwidth / 1e9, open.n_threads);
  }
  return {};
}

}  // namespace

void add_bench(CLI::App& app, Command& selected) {
  auto* command =
      add_command(app, "bench", "Time prompt processing and generation: medians of repeats",
                  "hearth bench smollm2:135m -p 512 -n 64 -t 2 --json");
  const auto options = std::make_shared<Options>();
  add_model_options(*command, options->model);
  command->add_option("-p,--prompt", options->bench.n_prompt, "prompt tokens; 0: none")
      ->check(CLI::Range(0, 1 << 24))
      ->capture_default_str();
  command->add_option("-n,--generate", options->bench.n_generate, "generated tokens; 0: none")
      ->check(CLI::Range(0, 1 << 24))
      ->capture_default_str();
  command->add_option("-d,--depth", options->bench.depth, "tokens in the context before either")
      ->check(CLI::Range(0, 1 << 24))
      ->capture_default_str();
  command->add_option("-r,--repeats", options->bench.n_repeats, "timed repeats")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command->add_flag("--json", options->as_json, "print JSON");
  command->callback([&selected, options] { selected = [options] { return run(*options); }; });
}

}  // namespace hearth::cli
