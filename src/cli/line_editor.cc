#include "cli/line_editor.h"

#include <errno.h>
#include <fcntl.h>
#include <histedit.h>
#include <locale.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "base/check.h"
#include "base/print.h"
#include "base/utf8.h"

namespace hearth::cli {
namespace {

constexpr int kMaxHistory = 1000;

void make_private_file(const std::string& path) {
  std::error_code ignored;
  const auto folder = std::filesystem::path(path).parent_path();
  if (!std::filesystem::exists(folder, ignored)) {
    std::filesystem::create_directories(folder, ignored);
    ::chmod(folder.c_str(), 0700);
  }
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) return;
  ::fchmod(descriptor, 0600);
  ::close(descriptor);
}

}  // namespace

struct LineEditor::State {
  explicit State(const InterruptGuard& guard) : interrupt(guard) {}

  static State& of(EditLine* editor) {
    State* state = nullptr;
    el_get(editor, EL_CLIENTDATA, &state);
    return *state;
  }

  // Reads one character; -1 on Ctrl-C, which ends the line at once (libedit itself would try
  // again).
  static int read_character(EditLine* editor, wchar_t* out) {
    std::string bytes;
    for (;;) {
      char byte;
      if (!of(editor).interrupt.wait_for_input(STDIN_FILENO)) {
        errno = EINTR;
        return -1;
      }
      const ssize_t n = ::read(STDIN_FILENO, &byte, 1);
      if (n <= 0) return static_cast<int>(n);
      bytes += byte;
      if (complete_utf8_prefix(bytes) == 0) continue;
      *out = static_cast<wchar_t>(decode_utf8(bytes).code_point);
      return 1;
    }
  }

  const InterruptGuard& interrupt;
  EditLine* editor = nullptr;
  History* history = nullptr;
  HistEvent event = {};
  std::string prompt;
  std::string path;
};

LineEditor::LineEditor(const InterruptGuard& interrupt, const std::string& history_path)
    : state_(std::make_unique<State>(interrupt)) {
  setlocale(LC_CTYPE, "");
  state_->path = history_path;
  state_->history = history_init();
  state_->editor = el_init("hearth", stdin, stdout, stderr);
  CHECK(state_->history != nullptr && state_->editor != nullptr);
  el_set(state_->editor, EL_CLIENTDATA, state_.get());
  el_set(
      state_->editor, EL_PROMPT,
      +[](EditLine* editor) -> char* { return State::of(editor).prompt.data(); });
  el_set(state_->editor, EL_EDITOR, "emacs");
  el_set(state_->editor, EL_GETCFN, State::read_character);
  el_set(state_->editor, EL_BIND, "^R", "em-inc-search-prev", nullptr);
  history(state_->history, &state_->event, H_SETSIZE, kMaxHistory);
  history(state_->history, &state_->event, H_SETUNIQUE, 1);
  el_set(state_->editor, EL_HIST, history, state_->history);
  if (state_->path.empty()) return;
  make_private_file(state_->path);
  history(state_->history, &state_->event, H_LOAD, state_->path.c_str());
}

LineEditor::~LineEditor() {
  el_end(state_->editor);
  history_end(state_->history);
}

LineEditor::Outcome LineEditor::read(const std::string& prompt, std::string& line) {
  state_->prompt = prompt;
  // Before the prompt is shown: until then the terminal itself would echo what is typed, and drop
  // it at a Ctrl-C.
  el_set(state_->editor, EL_PREP_TERM, 1);
  int n = 0;
  errno = 0;
  const char* text = el_gets(state_->editor, &n);
  line.assign(text == nullptr ? "" : text, static_cast<size_t>(std::max(n, 0)));
  // What a Ctrl-C or the end of input cuts off comes without a line's end.
  if (!line.ends_with('\n') && !line.ends_with('\r')) {
    const LineInfo* typed = el_line(state_->editor);
    const bool is_interrupted = errno == EINTR || n != 0;
    write_out("\n");
    flush_out();
    if (!is_interrupted) return Outcome::kEnd;
    return typed->lastchar > typed->buffer ? Outcome::kCleared : Outcome::kInterrupted;
  }
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.pop_back();
  if (keeps_history_ && line.find_first_not_of(" \t") != std::string::npos) {
    history(state_->history, &state_->event, H_ENTER, line.c_str());
    if (!state_->path.empty()) {
      history(state_->history, &state_->event, H_SAVE, state_->path.c_str());
    }
  }
  return Outcome::kLine;
}

}  // namespace hearth::cli
