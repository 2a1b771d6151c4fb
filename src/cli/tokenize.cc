#include <fmt/format.h>

#include <memory>
#include <string>

#include "base/print.h"
#include "cli/command.h"
#include "cli/json_output.h"
#include "cli/open_model.h"

namespace hearth::cli {
namespace {

struct TokenizeOptions {
  std::string model, text, file;
  bool parse_special = false, add_special = false, as_json = false;
};

constexpr uint64_t kMaxTextBytes = 1u << 30;

Result<void> run_tokenize(const TokenizeOptions& options) {
  const auto file = TRY(open_model_file(options.model));
  const auto tokenizer = TRY(text::Tokenizer::from_gguf(file->metadata()));
  const std::string text =
      options.file.empty() ? options.text : TRY(read_text_file(options.file, kMaxTextBytes));
  const auto ids = TRY(tokenizer->encode(
      text, {.parse_special = options.parse_special, .add_special = options.add_special}));
  if (options.as_json) {
    print_json({{"tokens", ids}});
    return {};
  }
  for (const text::TokenId id : ids) {
    const nlohmann::json piece = tokenizer->token_bytes(id, true);
    print_out("{:>8}  {}\n", id,
              piece.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  }
  return {};
}

}  // namespace

void add_tokenize(CLI::App& app, Command& selected) {
  auto* command = add_command(app, "tokenize", "Turn text into token ids",
                              "hearth tokenize smollm2:135m --text \"Hello world\" --json");
  const auto options = std::make_shared<TokenizeOptions>();
  command->add_option("MODEL", options->model, "a GGUF file, or a name in the library")->required();
  auto* text = command->add_option("--text", options->text, "the text");
  auto* file = command->add_option("--file", options->file, "a file that holds the text");
  text->excludes(file);
  command->add_flag("--parse-special", options->parse_special,
                    "recognize control tokens written in the text");
  command->add_flag("--add-special", options->add_special,
                    "add the tokens that the model wants at the ends");
  command->add_flag("--json", options->as_json, "print JSON");
  command->callback([&selected, options, text, file] {
    if (text->count() + file->count() != 1) throw CLI::RequiredError("one of --text and --file");
    selected = [options] { return run_tokenize(*options); };
  });
}

}  // namespace hearth::cli
