#include "models/convert.h"

#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <string>

#include "base/progress.h"
#include "cli/command.h"
#include "cli/open_model.h"

namespace hearth::cli {
namespace {

struct Options {
  std::string source, out;
  std::string type = "f16";
};

Result<void> run_convert(const Options& options) {
  models::ConvertOptions convert;
  const quant::TypeInfo* type = quant::find_type(options.type);
  if (type == nullptr || type->encode == nullptr) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("--type: '{}' is none of f32, f16, bf16, q8_0", options.type));
  }
  convert.type = type->type;
  std::unique_ptr<Progress> progress;
  convert.on_progress = [&progress](uint64_t done, uint64_t total) {
    if (progress == nullptr) progress = std::make_unique<Progress>("convert", total, "B");
    progress->update(done);
  };
  std::error_code ignored;
  if (std::filesystem::is_directory(options.source, ignored))
    return models::convert_hf(options.source, options.out, convert);
  return models::convert_gguf(TRY(find_model_file(options.source)), options.out, convert);
}

}  // namespace

void add_convert(CLI::App& app, Command& selected) {
  auto* command =
      add_command(app, "convert",
                  "Turn a Hugging Face folder, or a GGUF file of another type, into a GGUF file",
                  "hearth convert ./SmolLM2-135M-Instruct smollm2-f16.gguf --type f16");
  const auto options = std::make_shared<Options>();
  command
      ->add_option(
          "SOURCE", options->source,
          "a folder with config.json and safetensors, a GGUF file or a name in the library")
      ->required();
  command->add_option("OUT", options->out, "the GGUF file to write")->required();
  command->add_option("--type", options->type, "f32, f16, bf16 or q8_0")->capture_default_str();
  command->callback(
      [&selected, options] { selected = [options] { return run_convert(*options); }; });
}

}  // namespace hearth::cli
