// The program: reads the command line, runs one command, turns its error into a line and an exit
// status.
#include <errno.h>
#include <fmt/format.h>

#include <cstdio>

#include "cli/command.h"

namespace {

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
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    fmt::print(
        stderr,
        "hearth: {}\nhearth: `hearth --help` and `hearth COMMAND --help` say what there is\n",
        error.what());
    return 1;
  }
  const auto result = selected();
  if (result) return 0;
  fmt::print(stderr, "hearth: {}\n", result.error().message);
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const int status = run_program(argc, argv);
    if (std::fflush(stdout) != 0) {
      // Nothing to say where the reader went away, as in `| head -1`.
      if (errno != EPIPE) fmt::print(stderr, "hearth: cannot write the output\n");
      return 1;
    }
    return status;
  } catch (const std::exception& error) {  // out of memory, or a library's bug
    fmt::print(stderr, "hearth: internal error: {}\n", error.what());
    return 1;
  }
}
