#include <errno.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <memory>
#include <string>

#include "base/log.h"
#include "base/print.h"
#include "cli/chat.h"
#include "cli/command.h"
#include "cli/generation_flags.h"
#include "cli/interrupt.h"
#include "cli/json_output.h"
#include "cli/open_model.h"
#include "cli/repl.h"
#include "cli/report/answer_report.h"
#include "cli/shown_text.h"
#include "library/library.h"

namespace hearth::cli {
namespace {

constexpr uint64_t kMaxPromptBytes = 64u << 20;

struct RunOptions {
  ModelOptions model;
  GenerationFlags generation;
  std::vector<std::string> prompt;  // words
  std::string system;
  std::string template_file;
  std::string format;
  std::string draft;
  bool is_raw = false;
  bool is_verbose = false;
  bool as_json = false;
};

Result<std::string> read_stdin() {
  std::string text;
  char piece[65536];
  while (const size_t n = std::fread(piece, 1, sizeof(piece), stdin)) {
    text.append(piece, n);
    if (text.size() > kMaxPromptBytes) {
      return fail(ErrorCode::kLimitExceeded,
                  fmt::format("standard input has more than {} bytes", kMaxPromptBytes));
    }
  }
  if (std::ferror(stdin) != 0) {
    return fail(ErrorCode::kIo,
                fmt::format("cannot read standard input: {}", std::strerror(errno)));
  }
  return text;
}

// The words given, after what was piped in.
Result<std::string> whole_prompt(const RunOptions& options) {
  std::string prompt = isatty(STDIN_FILENO) ? std::string() : TRY(read_stdin());
  while (prompt.ends_with('\n')) prompt.pop_back();
  for (const std::string& word : options.prompt) {
    if (!prompt.empty()) prompt += &word == &options.prompt.front() ? '\n' : ' ';
    prompt += word;
  }
  return prompt;
}

Result<void> answer_once(Chat& chat, const RunOptions& options, const std::string& prompt) {
  const InterruptGuard interrupt;
  const bool is_terminal = isatty(STDOUT_FILENO) != 0;
  ChatCallbacks callbacks;
  callbacks.is_cancelled = [&] { return interrupt.is_set() || output_error() != 0; };
  if (!options.as_json) {
    callbacks.on_text = [&](std::string_view text) {
      write_out(is_terminal ? shown_text(text) : std::string(text));
      flush_out();
    };
  }
  const Answer answer = TRY(chat.ask(prompt, callbacks));
  if (output_error() != 0) return {};  // main() says what is wrong
  AnswerReport report;
  if (options.as_json) {
    print_json(report.json(chat, answer));
  } else {
    write_out("\n");
  }
  flush_out();
  if (options.is_verbose) report.print(chat, answer);
  if (answer.reason == engine::DoneReason::kCancelled) {
    return fail(ErrorCode::kCancelled, "stopped by Ctrl-C");
  }
  return {};
}

// Where what is typed is kept; empty where there is no place.
std::string history_path() {
  const auto home = library::Library::default_home();
  return home ? *home + "/history" : std::string();
}

Result<void> run(const RunOptions& options) {
  const engine::GenerateOptions generate = TRY(options.generation.options());
  if (!options.draft.empty() && generate.speculation == engine::Speculation::kOff) {
    return fail(ErrorCode::kInvalidArgument, "--draft: has no use with --speculate off");
  }
  std::optional<std::string> template_override;
  if (!options.template_file.empty()) {
    template_override = TRY(read_template_file(options.template_file));
  }
  const std::string prompt = TRY(whole_prompt(options));
  const bool is_conversation = prompt.empty() && isatty(STDIN_FILENO);
  if (prompt.empty() && (!is_conversation || options.as_json)) {
    return fail(ErrorCode::kInvalidArgument,
                "the prompt is empty; give one after the model, or on standard input");
  }
  const auto chat =
      TRY(Chat::open(options.model, options.draft, template_override, options.is_raw));
  chat->options = generate;
  TRY(chat->set_format(options.format));
  chat->conversation.system = options.system;
  if (chat->is_raw() && !options.system.empty()) {
    log_warning("--system has no place in a raw prompt and is left out");
  }
  if (!is_conversation) return answer_once(*chat, options, prompt);
  Repl(*chat, history_path(), options.is_verbose).run();
  return {};
}

}  // namespace

void add_run(CLI::App& app, Command& selected) {
  auto* command = add_command(app, "run", "Ask a model, or talk to it where no prompt is given",
                              "hearth run smollm2:135m \"Why is the sky blue?\"\n"
                              "  cat notes.txt | hearth run smollm2:135m \"Summarize this.\"");
  const auto options = std::make_shared<RunOptions>();
  add_model_options(*command, options->model);
  command->add_option("PROMPT", options->prompt,
                      "what to ask; text on standard input goes before it");
  command->add_option("--system", options->system, "the system message");
  auto* template_file =
      command->add_option("--template", options->template_file,
                          "a Jinja chat template's file, instead of the model's own");
  command->add_option("--format", options->format,
                      "hold the answer to JSON: json (an object), a JSON schema, which begins "
                      "with {, or the path of a file with one");
  command->add_option("--draft", options->draft,
                      "a smaller model with the same vocabulary, a file or a name, that guesses "
                      "what to run ahead where the text has not said it before");
  command
      ->add_flag("--raw", options->is_raw,
                 "no chat template: the prompt as it is, control tokens in it counting")
      ->excludes(template_file);
  command->add_flag("--verbose", options->is_verbose,
                    "end with tokens, times, rates and memory bandwidth");
  command->add_flag("--json", options->as_json, "print the answer and its figures as JSON");
  options->generation.add_to(*command);
  command->callback([&selected, options] { selected = [options] { return run(*options); }; });
}

}  // namespace hearth::cli
