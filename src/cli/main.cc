// The program: reads the command line, runs one command, turns its error into a line and an exit
// status.
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <sstream>
#include <string>
#include <vector>

#include "base/print.h"
#include "cli/command.h"
#include "cli/usage_error.h"

namespace {

constexpr int kFailed = 1;
constexpr int kInterrupted = 130;  // 128 + SIGINT, as a shell says it

// A standard stream that came closed is opened on /dev/null, so that no file takes its number and
// gets what is printed. One that should be written is opened for reading: writing still fails.
void fill_standard_streams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(stream, F_GETFD) == -1 && open("/dev/null", O_RDONLY) != stream) _exit(kFailed);
  }
}

// `hearth help run` is `hearth run --help`.
std::vector<std::string> given_words(int argc, char** argv) {
  std::vector<std::string> words(argv + 1, argv + argc);
  if (words.empty()) words = {"--help"};
  if (words.front() == "help") {
    words.erase(words.begin());
    words.push_back("--help");
  }
  return words;
}

int exit_status(const hearth::Error& error) {
  return error.code == hearth::ErrorCode::kCancelled ? kInterrupted : kFailed;
}

int run_program(int argc, char** argv) {
  CLI::App app("Runs language models on this machine, and says what was measured.", "hearth");
  app.set_version_flag("--version", "hearth 0.1.0");
  app.require_subcommand(1);
  app.footer("Example:\n  hearth run smollm2:135m \"Why is the sky blue?\"");
  hearth::cli::Command selected;
  hearth::cli::add_run(app, selected);
  hearth::cli::add_list(app, selected);
  hearth::cli::add_show(app, selected);
  hearth::cli::add_import(app, selected);
  hearth::cli::add_cp(app, selected);
  hearth::cli::add_rm(app, selected);
  hearth::cli::add_convert(app, selected);
  hearth::cli::add_tokenize(app, selected);
  hearth::cli::add_template(app, selected);
  hearth::cli::add_perplexity(app, selected);
  hearth::cli::add_bench(app, selected);
  hearth::cli::add_profile(app, selected);
  hearth::cli::add_synth(app, selected);
  try {
    std::vector<std::string> words = given_words(argc, argv);
    std::ranges::reverse(words);  // as CLI11 takes them
    app.parse(std::move(words));
  } catch (const CLI::ParseError& error) {
    const bool asks_for_text = error.get_exit_code() == 0;  // --help, --version
    if (asks_for_text && !hearth::cli::has_unknown_word(app)) {
      std::ostringstream text;
      app.exit(error, text, text);
      hearth::write_out(text.str());
      return 0;
    }
    hearth::print_err("hearth: {}\n", hearth::cli::usage_error(app, error));
    return kFailed;
  }
  const auto result = selected();
  if (result) return 0;
  hearth::print_err("hearth: {}\n", result.error().message);
  return exit_status(result.error());
}

// The status of the command, unless its output did not reach whoever should read it.
int finish(int status) {
  hearth::flush_out();
  const int error = hearth::output_error();
  if (error == 0) return status;
  // Nothing to say where the reader went away, as in `| head -1`.
  if (error != EPIPE) {
    hearth::print_err("hearth: cannot write the output: {}\n", std::strerror(error));
  }
  return kFailed;
}

}  // namespace

int main(int argc, char** argv) {
  fill_standard_streams();
  try {
    return finish(run_program(argc, argv));
  } catch (const std::exception& error) {  // out of memory, or a library's bug
    hearth::print_err("hearth: internal error: {}\n", error.what());
    return kFailed;
  }
}
