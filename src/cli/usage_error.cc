#include "cli/usage_error.h"

#include <fmt/format.h>

#include <string_view>
#include <vector>

#include "cli/nearest.h"
#include "cli/shown_text.h"

namespace hearth::cli {
namespace {

std::vector<std::string> command_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(command->get_name());
    for (const std::string& alias : command->get_aliases()) names.push_back(alias);
  }
  return names;
}

std::vector<std::string> option_names(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

bool is_option(std::string_view word) { return word.size() > 1 && word.starts_with('-'); }

// "--tmp" of "--tmp=1"
std::string option_name(const std::string& word) { return word.substr(0, word.find('=')); }

std::string unknown_word(const CLI::App& app, const std::string& word) {
  if (is_option(word)) {
    const std::string name = option_name(word);
    return fmt::format("no option '{}'{}", shown_text(name), did_you_mean(name, option_names(app)));
  }
  if (app.get_parent() != nullptr) {
    return fmt::format("'{}' is one word too many", shown_text(word));
  }
  return fmt::format("no command '{}'{}", shown_text(word), did_you_mean(word, command_names(app)));
}

// What the parser has to say. Of a missing value it would list the bounds in a way of its own.
std::string told_by_parser(const CLI::ParseError& error) {
  const std::string text = error.what();
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) == nullptr) return text;
  return text.substr(0, text.find(':')) + " needs a value";
}

}  // namespace

bool has_unknown_word(const CLI::App& app) { return app.remaining_size(true) > 0; }

std::string usage_error(const CLI::App& app, const CLI::ParseError& error) {
  const std::vector<CLI::App*> commands = app.get_subcommands();
  // A word before the command comes first; then the command's own.
  const bool is_of_command = !commands.empty() && app.remaining_size() == 0;
  const CLI::App& wrong = is_of_command ? *commands.front() : app;
  const std::string prefix = is_of_command ? wrong.get_name() + ": " : "";
  const std::string help = fmt::format("`hearth {}--help` says what there is",
                                       is_of_command ? wrong.get_name() + " " : "");
  const std::vector<std::string> unknown = wrong.remaining();
  return fmt::format(
      "{}{}; {}", prefix,
      unknown.empty() ? shown_text(told_by_parser(error)) : unknown_word(wrong, unknown.front()),
      help);
}

}  // namespace hearth::cli
