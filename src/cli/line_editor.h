// A line from the terminal, with editing and a history that is kept in a file.
#pragma once

#include <memory>
#include <string>

#include "cli/interrupt.h"

namespace hearth::cli {

class LineEditor {
 public:
  enum class Outcome { kLine, kCleared, kInterrupted, kEnd };

  // history_path: made 0600, its folder if it is missing 0700; empty: no history is kept. Not
  // being able to keep one is not an error. interrupt: outlives the editor.
  LineEditor(const InterruptGuard& interrupt, const std::string& history_path);
  ~LineEditor();
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  // line: without its end. Ctrl-C, since the guard's last reset(), is kCleared where something had
  // been typed, else kInterrupted. kEnd: Ctrl-D.
  Outcome read(const std::string& prompt, std::string& line);
  void keeps_history(bool keeps) { keeps_history_ = keeps; }

 private:
  struct State;
  std::unique_ptr<State> state_;
  bool keeps_history_ = true;
};

}  // namespace hearth::cli
