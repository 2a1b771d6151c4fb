#include "cli/repl.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string_view>

#include "base/print.h"
#include "cli/generation_flags.h"
#include "cli/nearest.h"
#include "cli/open_model.h"
#include "cli/shown_text.h"
#include "cli/typed_input.h"

namespace hearth::cli {
namespace {

constexpr const char* kSetHelp =
    "/set parameter NAME VALUE   a sampling parameter, num_predict or stop\n"
    "/set system TEXT            the system message; the conversation goes on\n"
    "/set template FILE          a Jinja chat template's file, instead of the model's own\n"
    "/set raw | noraw            each prompt alone, as it is; or through the chat template\n"
    "/set format FORMAT          json, a JSON schema or its file: what answers must be\n"
    "/set noformat               answers may be anything again\n"
    "/set speculate              run likely tokens ahead of their turn; answers stay the same\n"
    "/set nospeculate            a step for each token\n"
    "/set verbose | quiet        figures after each answer, or none\n"
    "/set history | nohistory    keep what is typed for the next time, or don't\n";
constexpr const char* kShowHelp =
    "/show info                  the model: family, size, context, backend\n"
    "/show parameters            what /set parameter sets\n"
    "/show system                the system message\n"
    "/show template              the chat template\n";
constexpr const char* kHelp =
    "/save FILE  /load FILE      the conversation as JSON\n"
    "/clear                      forget the conversation\n"
    "/bye                        leave; so does Ctrl-D\n"
    "\"\"\"                         begins and ends a text of several lines\n"
    "Ctrl-C                      stops an answer, or clears the line\n";

constexpr std::string_view kWholeCommands[] = {"/bye", "/exit", "/clear", "/?", "/help"};
const std::string kCommands[] = {"/set", "/show", "/save", "/load", "/clear", "/bye", "/help"};

// The first word, which is taken off `rest`.
std::string take_word(std::string_view& rest) {
  rest = trim(rest);
  const size_t end = std::min(rest.find_first_of(" \t"), rest.size());
  std::string word(rest.substr(0, end));
  rest = trim(rest.substr(end));
  return word;
}

std::unexpected<Error> unknown(const std::string& command) {
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("no command '{}'; /? shows what there is", command));
}

// A text in quotes loses them: /set system "You are terse."
std::string unquoted(std::string_view text) {
  const bool is_quoted = text.size() >= 2 && text.starts_with('"') && text.ends_with('"');
  return std::string(is_quoted ? text.substr(1, text.size() - 2) : text);
}

Result<void> check_file_name(const std::string& command, const std::string& path) {
  if (!path.empty()) return {};
  return fail(ErrorCode::kInvalidArgument, command + ": a file's name is wanted");
}

void print_error(const Error& error) { print_err("hearth: {}\n", error.message); }

}  // namespace

Repl::Repl(Chat& chat, const std::string& history_path, bool is_verbose)
    : chat_(chat), editor_(interrupt_, history_path), is_verbose_(is_verbose) {}

void Repl::run() {
  print_err("{}: /? shows the commands, /bye leaves\n", chat_.model_name());
  for (bool was_interrupted = false;;) {
    interrupt_.reset();
    TypedInput input;
    const LineEditor::Outcome outcome = read_input(input);
    if (outcome == LineEditor::Outcome::kEnd) return;
    if (outcome == LineEditor::Outcome::kCleared) {
      was_interrupted = false;
      continue;
    }
    if (outcome == LineEditor::Outcome::kInterrupted) {
      if (was_interrupted) return;
      was_interrupted = true;
      print_err("Ctrl-C again, Ctrl-D or /bye leaves\n");
      continue;
    }
    was_interrupted = false;
    if (trim(input.text()).empty()) continue;
    if (!input.is_command()) {
      answer(input.text());
    } else if (command(input.text()) == Next::kLeave) {
      return;
    }
  }
}

// Anything but kLine gives up what was typed so far.
LineEditor::Outcome Repl::read_input(TypedInput& input) {
  for (std::string line;;) {
    const LineEditor::Outcome outcome = editor_.read(input.is_open() ? "... " : ">>> ", line);
    const bool clears_block = outcome == LineEditor::Outcome::kInterrupted && input.is_open();
    if (clears_block) return LineEditor::Outcome::kCleared;
    if (outcome != LineEditor::Outcome::kLine || input.add(line)) return outcome;
  }
}

void Repl::answer(const std::string& prompt) {
  ChatCallbacks callbacks;
  callbacks.is_cancelled = [this] { return interrupt_.is_set(); };
  callbacks.on_text = [](std::string_view text) {
    const std::string shown = shown_text(text);
    write_out(shown);
    flush_out();
  };
  const auto answer = chat_.ask(prompt, callbacks);
  print_out("\n");
  flush_out();
  if (!answer) return print_error(answer.error());
  if (answer->reason == engine::DoneReason::kLength) {
    print_err("(the answer ends here: {} tokens generated, {} of the context's {} used)\n",
              answer->stats.n_generated, answer->stats.n_prompt + answer->stats.n_generated,
              chat_.model().info().n_ctx);
  }
  if (is_verbose_) report_.print(chat_, *answer);
}

Repl::Next Repl::command(const std::string& line) {
  std::string_view rest = line;
  const std::string verb = take_word(rest);
  Result<void> done;
  const bool is_whole = std::ranges::find(kWholeCommands, verb) != std::end(kWholeCommands);
  if (is_whole && !rest.empty()) {
    done = fail(ErrorCode::kInvalidArgument, fmt::format("'{}' takes nothing after it", verb));
  } else if (verb == "/bye" || verb == "/exit") {
    return Next::kLeave;
  } else if (verb == "/?" || verb == "/help") {
    print_out("{}{}{}", kSetHelp, kShowHelp, kHelp);
  } else if (verb == "/clear") {
    chat_.conversation.messages.clear();
    print_out("The conversation is forgotten.\n");
  } else if (verb == "/set") {
    const std::string what = take_word(rest);
    done = set(what, std::string(rest));
  } else if (verb == "/show") {
    done = show(std::string(rest));
  } else if (verb == "/save" || verb == "/load") {
    done = keep(verb, std::string(rest));
  } else {
    done =
        fail(ErrorCode::kInvalidArgument, fmt::format("no command '{}'{}; /? shows what there is",
                                                      verb, did_you_mean(verb, kCommands)));
  }
  flush_out();
  if (!done) print_error(done.error());
  return Next::kGoOn;
}

Result<void> Repl::set(const std::string& what, const std::string& value) {
  if (what.empty()) {
    print_out("{}", kSetHelp);
    return {};
  }
  if (what == "template") {
    TRY(check_file_name("/set template", value));
    return chat_.set_template(TRY(read_template_file(value)));
  }
  if (what == "system") {
    chat_.conversation.system = unquoted(value);
    return {};
  }
  if (what == "format" && value.empty()) {
    return fail(ErrorCode::kInvalidArgument, "/set format: json, a JSON schema or its file");
  }
  if (what == "format" || what == "noformat") {
    return chat_.set_format(what == "format" ? value : "");
  }
  if (what != "parameter") return set_switch(what);
  std::string_view rest = value;
  const std::string name = take_word(rest);
  if (name.empty()) {
    return fail(ErrorCode::kInvalidArgument,
                "/set parameter NAME VALUE: no name; /show parameters lists them");
  }
  return set_parameter(chat_.options, name, unquoted(rest));
}

Result<void> Repl::set_switch(const std::string& what) {
  if (what == "verbose" || what == "quiet") {
    is_verbose_ = what == "verbose";
  } else if (what == "history" || what == "nohistory") {
    editor_.keeps_history(what == "history");
  } else if (what == "speculate" || what == "nospeculate") {
    chat_.options.speculation =
        what == "speculate" ? engine::Speculation::kAuto : engine::Speculation::kOff;
  } else if (what == "raw" || what == "noraw") {
    return chat_.set_raw(what == "raw");
  } else {
    return unknown("/set " + what);
  }
  return {};
}

Result<void> Repl::show(const std::string& what) const {
  const models::ModelInfo& info = chat_.model().info();
  if (what.empty()) {
    print_out("{}", kShowHelp);
  } else if (what == "info") {
    print_out("{}: {}, {} layers, {:.1f} M parameters\ncontext {} of {} trained\n{}\n",
              chat_.model_name(), info.architecture, info.n_layers,
              static_cast<double>(info.n_parameters) / 1e6, info.n_ctx, info.trained_context,
              chat_.model().backend().description());
  } else if (what == "parameters") {
    print_out("{}", parameters_text(chat_.options));
  } else if (what == "system") {
    print_out("{}\n", chat_.conversation.system);
  } else if (what == "template") {
    print_out("{}\n", shown_text(chat_.template_source()));
  } else {
    return unknown("/show " + what);
  }
  return {};
}

Result<void> Repl::keep(const std::string& verb, const std::string& path) {
  TRY(check_file_name(verb, path));
  if (verb == "/save") return chat_.conversation.save(path);
  chat_.conversation = TRY(Conversation::load(path));
  print_out("{} messages\n", chat_.conversation.messages.size());
  return {};
}

}  // namespace hearth::cli
