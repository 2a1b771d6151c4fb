// What an AnswerParser makes of a text cut into pieces.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "text/answer_parser.h"

namespace hearth::text {

struct ReadAnswer {
  std::string content, reasoning;
  struct Call {
    std::string name, arguments;
    bool operator==(const Call&) const = default;
  };
  std::vector<Call> calls;  // those that were not dropped
  // Every event, those of one kind that follow each other joined: the same for any cut.
  std::vector<std::string> events;
  bool operator==(const ReadAnswer&) const = default;
};

class AnswerReading {
 public:
  AnswerReading(const AnswerFormat& format, const ToolSet& tools, bool in_reasoning = false)
      : parser_(format, tools, in_reasoning) {}

  void push(std::string_view piece) { add(parser_.push(piece)); }

  ReadAnswer finish() {
    add(parser_.finish());
    EXPECT_FALSE(is_open_) << "a call is neither ended nor dropped";
    return std::move(answer_);
  }

 private:
  void add(const std::vector<AnswerEvent>& events) {
    for (const AnswerEvent& event : events) add(event);
  }

  void add(const AnswerEvent& event) {
    using Kind = AnswerEvent::Kind;
    switch (event.kind) {
      case Kind::kContent: answer_.content += event.text; break;
      case Kind::kReasoning: answer_.reasoning += event.text; break;
      case Kind::kCallBegin:
        EXPECT_EQ(event.call, n_calls_++);
        EXPECT_FALSE(is_open_);
        is_open_ = true;
        answer_.calls.push_back({event.text, ""});
        break;
      case Kind::kArguments:
        EXPECT_TRUE(is_open_);
        answer_.calls.back().arguments += event.text;
        break;
      case Kind::kCallEnd: is_open_ = false; break;
      case Kind::kCallDropped:
        EXPECT_TRUE(is_open_);
        is_open_ = false;
        answer_.calls.pop_back();
        answer_.content += event.text;
        break;
    }
    const std::string label = std::to_string(static_cast<int>(event.kind)) + ":";
    const bool is_delta = event.kind == Kind::kContent || event.kind == Kind::kReasoning ||
                          event.kind == Kind::kArguments;
    if (is_delta && !answer_.events.empty() && answer_.events.back().starts_with(label)) {
      answer_.events.back() += event.text;
    } else {
      answer_.events.push_back(label + event.text);
    }
  }

  AnswerParser parser_;
  ReadAnswer answer_;
  int n_calls_ = 0;
  bool is_open_ = false;
};

inline ReadAnswer read_answer(const AnswerFormat& format, const ToolSet& tools,
                              std::string_view text, bool in_reasoning = false) {
  AnswerReading reading(format, tools, in_reasoning);
  reading.push(text);
  return reading.finish();
}

}  // namespace hearth::text
