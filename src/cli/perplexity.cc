#include "lab/perplexity.h"

#include <fmt/format.h>

#include <memory>
#include <string>

#include "base/print.h"
#include "base/progress.h"
#include "cli/command.h"
#include "cli/json_output.h"
#include "cli/open_model.h"

namespace hearth::cli {
namespace {

struct Options {
  ModelOptions model;
  std::string file;
  bool as_json = false;
};

constexpr uint64_t kMaxTextBytes = 1u << 30;

Result<void> run_perplexity(Options options) {
  if (options.model.n_ctx == 0) options.model.n_ctx = 512;
  const OpenModel open = TRY(open_model(options.model));
  const std::string text = TRY(read_text_file(options.file, kMaxTextBytes));
  const auto tokens =
      TRY(open.tokenizer->encode(text, {.parse_special = false, .add_special = true}));
  lab::PerplexityOptions measure{.n_ctx = options.model.n_ctx, .bos = {}, .progress = {}};
  if (open.tokenizer->adds_bos()) measure.bos = open.tokenizer->bos();
  std::unique_ptr<Progress> progress;
  measure.progress = [&progress](uint64_t done, uint64_t total) {
    if (progress == nullptr) progress = std::make_unique<Progress>("perplexity", total, "windows");
    progress->update(done);
    return true;
  };
  const lab::Perplexity result = TRY(lab::measure_perplexity(*open.model, tokens, measure));
  progress.reset();
  if (options.as_json) {
    print_json({{"perplexity", result.perplexity},
                {"stderr", result.stderr_of_perplexity},
                {"tokens", result.n_tokens},
                {"n_ctx", options.model.n_ctx}});
  } else {
    print_out("perplexity {:.4f} +/- {:.4f} over {} tokens, windows of {}\n", result.perplexity,
              result.stderr_of_perplexity, result.n_tokens, options.model.n_ctx);
  }
  return {};
}

}  // namespace

void add_perplexity(CLI::App& app, Command& selected) {
  auto* command = add_command(app, "perplexity", "Measure a model's perplexity on a text",
                              "hearth perplexity smollm2:135m --file text.txt --ctx 512 --json");
  const auto options = std::make_shared<Options>();
  add_model_options(*command, options->model);
  command->add_option("--file", options->file, "the text")->required();
  command->add_flag("--json", options->as_json, "print JSON");
  command->callback(
      [&selected, options] { selected = [options] { return run_perplexity(*options); }; });
}

}  // namespace hearth::cli
