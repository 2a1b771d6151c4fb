// The conversation at a terminal: prompts, `/` commands, Ctrl-C.
#pragma once

#include <string>

#include "base/result.h"
#include "cli/chat.h"
#include "cli/interrupt.h"
#include "cli/line_editor.h"
#include "cli/report/answer_report.h"
#include "cli/typed_input.h"

namespace hearth::cli {

class Repl {
 public:
  // history_path: as LineEditor takes it.
  Repl(Chat& chat, const std::string& history_path, bool is_verbose);

  // Until /bye, Ctrl-D, or Ctrl-C twice at the prompt.
  void run();

 private:
  enum class Next { kGoOn, kLeave };

  LineEditor::Outcome read_input(TypedInput& input);
  void answer(const std::string& prompt);
  Next command(const std::string& line);
  Result<void> set(const std::string& what, const std::string& value);
  Result<void> set_switch(const std::string& what);
  Result<void> show(const std::string& what) const;
  Result<void> keep(const std::string& verb, const std::string& path);

  Chat& chat_;
  InterruptGuard interrupt_;
  LineEditor editor_;
  AnswerReport report_;
  bool is_verbose_;
};

}  // namespace hearth::cli
