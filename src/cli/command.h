// How a command joins the program: one file a command, each with one add_ function.
//
// add_x() declares the options on `app` and, when the command is the one given, sets `selected` to
// what runs it. main() runs it: an error becomes one line on stderr, `hearth: <message>`, and exit
// status 1.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

#include "base/result.h"

namespace hearth::cli {

using Command = std::function<Result<void>()>;

void add_bench(CLI::App& app, Command& selected);
void add_convert(CLI::App& app, Command& selected);
void add_cp(CLI::App& app, Command& selected);
void add_import(CLI::App& app, Command& selected);
void add_list(CLI::App& app, Command& selected);
void add_perplexity(CLI::App& app, Command& selected);
void add_profile(CLI::App& app, Command& selected);
void add_rm(CLI::App& app, Command& selected);
void add_run(CLI::App& app, Command& selected);
void add_show(CLI::App& app, Command& selected);
void add_synth(CLI::App& app, Command& selected);
void add_template(CLI::App& app, Command& selected);
void add_tokenize(CLI::App& app, Command& selected);

// A subcommand whose --help ends with `example`, a line that a user can paste.
CLI::App* add_command(CLI::App& app, const std::string& name, const std::string& description,
                      const std::string& example);

}  // namespace hearth::cli
