// What a model's raw answer says, while it is made: content, reasoning and tool calls.
//
//   - Any split of the text into pieces gives the same deltas, joined. Whole characters in, whole
//     characters out.
//   - Text is held back only while it may be a mark, or is whitespace that a mark may follow.
//     Arguments come as they are written; those in Python's or Gemma's notation with the call's
//     end, those in tags argument by argument where the type is not text.
//   - A call that breaks its format's rules, or is cut off, is content, unchanged: its deltas so
//     far are taken back with kCallDropped.
//   - Reasoning is recognized where an answer begins and after a call, not within content, which
//     may speak of the mark.
//   - Whitespace beside marks belongs to them.
//
// Time is linear in the text; memory is bounded (kMaxCallBytes), as is depth. One thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "text/answer_format.h"
#include "text/tool_set.h"

namespace hearth::text {

struct AnswerEvent {
  enum class Kind {
    kContent,
    kReasoning,
    kCallBegin,    // text: the tool's name
    kArguments,    // the next part of the call's arguments
    kCallEnd,      // the arguments are a JSON object
    kCallDropped,  // there is no such call; text: what was written instead, which is content
  };
  Kind kind;
  int32_t call = -1;  // calls count from 0, dropped ones included
  std::string text;
};

class CallReader;

class AnswerParser {
 public:
  static constexpr size_t kMaxCallBytes = 4u << 20;  // of one call with its marks

  // in_reasoning: see AnswerFormat::opens_reasoning(). `tools` gives arguments in tags their types
  // and tells calls without marks from other JSON; it may be empty. `format` and `tools` must
  // outlive this.
  AnswerParser(const AnswerFormat& format, const ToolSet& tools, bool in_reasoning = false);
  ~AnswerParser();

  std::vector<AnswerEvent> push(std::string_view piece);
  // The answer is over. A call that lacks nothing but its closing mark is complete.
  std::vector<AnswerEvent> finish();

  // From the end of a call's opening mark to the end of its closing mark.
  bool in_call() const { return reader_ != nullptr; }

 private:
  enum class Mode { kContent, kReasoning, kHeader };
  struct Sink;

  void push_byte(char byte);
  void push_text(char byte);
  void push_call(char byte);
  void push_header(char byte);
  void take_mark(std::string_view mark);
  bool may_take(std::string_view mark) const;
  void update_marks();
  void add_text(std::string_view text);
  void add_text(char byte);
  void flush_spaces();
  AnswerEvent::Kind text_kind() const;
  void end_header();
  void give_up_header();
  void begin_call(std::unique_ptr<CallReader> reader, std::string_view mark);
  void end_call();
  void drop_call(size_t n_unread);
  void emit(AnswerEvent::Kind kind, std::string_view text, int32_t call = -1);

  const AnswerFormat& format_;
  const ToolSet& tools_;
  Mode mode_ = Mode::kContent;
  std::vector<std::string> marks_;  // that count in the mode
  std::string first_bytes_;         // of these
  std::string held_;                // what may become a mark, or the header so far
  std::string spaces_;              // that a mark may follow
  bool drops_spaces_ = false;       // after a mark
  bool is_fresh_ = true;            // no content since the start or a mark
  std::string header_start_;        // spaces and the mark before held_, in a header
  std::unique_ptr<CallReader> reader_;
  std::unique_ptr<Sink> sink_;
  std::string raw_;  // written since the opening mark or the last complete call
  int32_t n_calls_ = 0;
  bool call_is_open_ = false;
  std::vector<AnswerEvent> events_;
};

}  // namespace hearth::text
