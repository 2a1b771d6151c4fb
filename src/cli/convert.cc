#include "models/convert.h"

#include <fmt/format.h>

#include <memory>
#include <string>

#include "base/progress.h"
#include "cli/command.h"

namespace hearth::cli {
namespace {

struct Options {
  std::string folder, out;
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
  return models::convert_hf(options.folder, options.out, convert);
}

}  // namespace

void add_convert(CLI::App& app, Command& selected) {
  auto* command = add_command(app, "convert", "Turn a Hugging Face folder into a GGUF file",
                              "hearth convert ./SmolLM2-135M-Instruct smollm2-f16.gguf --type f16");
  const auto options = std::make_shared<Options>();
  command->add_option("HF_DIR", options->folder, "a folder with config.json and safetensors")
      ->required();
  command->add_option("OUT", options->out, "the GGUF file to write")->required();
  command->add_option("--type", options->type, "f32, f16, bf16 or q8_0")->capture_default_str();
  command->callback(
      [&selected, options] { selected = [options] { return run_convert(*options); }; });
}

}  // namespace hearth::cli
