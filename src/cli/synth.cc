#include "lab/synth/synth.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "base/print.h"
#include "base/progress.h"
#include "base/usable_cpus.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/json_output.h"
#include "cli/nearest.h"

namespace hearth::cli {
namespace {

struct Options {
  std::string shape, out;
  std::string type = "Q4_K_M";
  bool is_pure = false, lists = false, as_json = false;
  uint64_t seed = 1;
  int n_threads = 0;
};

template <class Row>
std::vector<std::string> names_of(std::span<const Row> rows) {
  std::vector<std::string> names;
  for (const Row& row : rows) names.emplace_back(row.name);
  return names;
}

Result<const lab::FileType*> find_type(const std::string& name) {
  if (const lab::FileType* type = lab::find_file_type(name)) return type;
  const auto known = names_of(lab::all_file_types());
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("--type: '{}' is unknown{}; known: {}", name, did_you_mean(name, known),
                          fmt::join(known, ", ")));
}

Result<const lab::Shape*> find_shape(const std::string& name) {
  if (const lab::Shape* shape = lab::find_shape(name)) return shape;
  const auto known = names_of(lab::all_shapes());
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("the shape '{}' is unknown{}; known: {}", name, did_you_mean(name, known),
                          fmt::join(known, ", ")));
}

Result<void> list_shapes(const Options& options) {
  const lab::FileType& type = *TRY(find_type(options.type));
  auto json = nlohmann::ordered_json::array();
  if (!options.as_json) {
    print_out("{:<14}  {:<8}  {:>10}  {:>6}  {:>5}  {:>10}\n", "SHAPE", "FAMILY", "PARAMETERS",
              "LAYERS", "WIDTH", type.name);
  }
  for (const lab::Shape& shape : lab::all_shapes()) {
    const uint64_t n_parameters = lab::parameter_count(shape);
    const uint64_t n_bytes = lab::tensor_bytes(shape, type, options.is_pure);
    json.push_back({{"name", shape.name},
                    {"architecture", shape.architecture},
                    {"parameters", n_parameters},
                    {"layers", shape.n_layers},
                    {"width", shape.n_embd},
                    {"type", type.name},
                    {"tensor_bytes", n_bytes}});
    if (!options.as_json) {
      print_out("{:<14}  {:<8}  {:>8.2f} M  {:>6}  {:>5}  {:>10}\n", shape.name, shape.architecture,
                static_cast<double>(n_parameters) / 1e6, shape.n_layers, shape.n_embd,
                format_bytes(n_bytes));
    }
  }
  if (options.as_json) print_json({{"shapes", json}});
  return {};
}

Result<void> write(const Options& options) {
  const lab::Shape& shape = *TRY(find_shape(options.shape));
  lab::SynthOptions synth {
    .file_type = TRY(find_type(options.type))
    , .is_pure = options.is_pure, .seed = options.seed, .n_threads = options.n_threads,
      .on_progress = {}
  };
  if (synth.n_threads == 0) synth.n_threads = usable_physical_cores();
  const InterruptGuard interrupt;
  std::unique_ptr<Progress> progress;
  synth.on_progress = [&](uint64_t done, uint64_t total) {
    if (progress == nullptr) progress = std::make_unique<Progress>("synth", total, "B");
    progress->update(done);
    return !interrupt.is_set();
  };
  return lab::write_synthetic(shape, options.out, synth);
}

Result<void> run(const Options& options) {
  if (options.lists) return list_shapes(options);
  if (options.shape.empty() || options.out.empty()) {
    return fail(ErrorCode::kInvalidArgument,
                "synth needs a shape and the file to write; hearth synth --list names the shapes");
  }
  return write(options);
}

}  // namespace

void add_synth(CLI::App& app, Command& selected) {
  auto* command =
      add_command(app, "synth", "Write a GGUF file of random weights in the shape of a real model",
                  "hearth synth Llama-3.2-1B llama-1b.gguf --type Q4_K_M");
  const auto options = std::make_shared<Options>();
  command->add_option("SHAPE", options->shape, "a model's shape; --list names them");
  command->add_option("OUT", options->out, "the GGUF file to write");
  command
      ->add_option(
          "--type", options->type,
          "formats of the tensors, as llama.cpp mixes them: F16, Q8_0, Q4_K_M, IQ4_XS, ...")
      ->capture_default_str();
  command->add_flag("--pure", options->is_pure, "every matrix in the type's own format, no mix");
  command->add_option("--seed", options->seed, "what the weights are drawn from")
      ->capture_default_str();
  command->add_option("-t,--threads", options->n_threads, "threads (default: the physical cores)")
      ->check(CLI::Range(1, 1024));
  command->add_flag("--list", options->lists, "list the shapes and their sizes in --type");
  command->add_flag("--json", options->as_json, "print the list as JSON");
  command->callback([&selected, options] { selected = [options] { return run(*options); }; });
}

}  // namespace hearth::cli
