// A call's arguments that stand as a JSON object: handed on as they come.
#pragma once

#include <string>

#include "text/answer/call_reader.h"
#include "text/answer/json_scanner.h"

namespace hearth::text {

class ArgumentsObject {
 public:
  bool has_begun() const { return scanner_.depth() > 0; }

  // kDone with the object's last byte. Whitespace may come before it.
  CallReader::Step push(char byte, CallSink& sink) {
    using Step = CallReader::Step;
    if (!has_begun()) {
      if (is_json_space(byte)) return Step::kMore;
      if (byte != '{') return Step::kBroken;
    }
    const bool in_string = scanner_.in_string();
    if (!scanner_.push(byte)) return Step::kBroken;
    std::string text;
    append_json_byte(text, byte, in_string);
    sink.arguments(text);
    return scanner_.is_done() ? Step::kDone : Step::kMore;
  }

 private:
  JsonScanner scanner_;
};

}  // namespace hearth::text
