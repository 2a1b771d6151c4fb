// What is wrong with a command line, in one line.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace hearth::cli {

// `app` has thrown `error` from parse(). Names the word that is unknown, what may have been meant,
// and the --help that says what there is.
std::string usage_error(const CLI::App& app, const CLI::ParseError& error);

// True where the line holds a word that no command has a place for.
bool has_unknown_word(const CLI::App& app);

}  // namespace hearth::cli
