// Reads a section of calls, from after its opening mark to the end of its closing mark.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "text/answer_format.h"
#include "text/tool_set.h"

namespace hearth::text {

// What a reader finds. Between begin and end come the parts of a JSON object.
class CallSink {
 public:
  virtual ~CallSink() = default;
  virtual void begin(std::string_view name) = 0;
  virtual void arguments(std::string_view text) = 0;
  virtual void end() = 0;
};

class CallReader {
 public:
  enum class Step { kMore, kDone, kBroken };

  virtual ~CallReader() = default;
  virtual Step push(char byte, CallSink& sink) = 0;
  // The text ends here: whether nothing but closing marks is missing.
  virtual bool finish(CallSink& sink) = 0;
  // Once broken: bytes at the end that are no part of the calls, at least the last one.
  virtual size_t n_unread() const { return 1; }
};

// is_bare: the calls stand without marks, so that only a tool's name tells them from other JSON.
std::unique_ptr<CallReader> json_calls(const CallMarks& marks, const ToolSet& tools, bool is_bare);
// in_section: section_open has been read, else call_open.
std::unique_ptr<CallReader> named_calls(const CallMarks& marks, const ToolSet& tools,
                                        bool in_section);
// One call whose name a header gave; the text is its arguments.
std::unique_ptr<CallReader> headed_call(std::string_view name);
std::unique_ptr<CallReader> literal_calls(const CallMarks& marks);

}  // namespace hearth::text
