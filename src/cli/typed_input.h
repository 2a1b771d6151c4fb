// What is typed at the prompt, line by line, to one input: """ at a line's beginning, or after
// `/set system`, opens a text of several lines, and """ at a line's end closes it.
#pragma once

#include <string>
#include <string_view>

namespace hearth::cli {

class TypedInput {
 public:
  // True once the input is whole. Nothing may be added after that.
  bool add(std::string_view line);

  bool is_open() const { return is_open_; }        // inside """
  bool is_command() const { return is_command_; }  // begins with '/', outside """
  // The block's quotes are gone; an empty first or last line of it too.
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  bool is_open_ = false;
  bool is_command_ = false;
  bool has_lines_ = false;  // of the open block
};

// `text` without spaces and tabs at its ends.
std::string_view trim(std::string_view text);

}  // namespace hearth::cli
