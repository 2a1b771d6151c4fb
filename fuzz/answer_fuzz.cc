// Any text is an answer in any format: read whole or in pieces it gives the same, and the arguments
// of a call that ended are JSON.
// Input: a byte for the row of the table, a byte for the size of the pieces; the rest is the text.
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/utf8.h"
#include "text/answer_parser.h"

using hearth::text::AnswerEvent;
using hearth::text::AnswerFormat;
using hearth::text::AnswerParser;
using hearth::text::ToolSet;

static std::vector<std::string> read(const AnswerFormat& format, std::string_view text,
                                     size_t piece) {
  static const ToolSet tools =
      ToolSet::from_json(
          R"([{"name": "a", "parameters": {"properties": {"n": {"type": "integer"}}}}])")
          .value();
  AnswerParser parser(format, tools);
  std::vector<std::string> all;
  std::string arguments;
  const auto add = [&](const std::vector<AnswerEvent>& events) {
    for (const AnswerEvent& event : events) {
      const char kind = static_cast<char>('0' + static_cast<int>(event.kind));
      if (event.kind == AnswerEvent::Kind::kCallBegin) arguments.clear();
      if (event.kind == AnswerEvent::Kind::kArguments) arguments += event.text;
      // A number may be beyond a double, which is JSON all the same.
      const bool has_long_number =
          arguments.size() > 300 || arguments.find_first_of("eE") != std::string::npos;
      if (event.kind == AnswerEvent::Kind::kCallEnd && !has_long_number &&
          !nlohmann::json::accept(arguments)) {
        std::abort();
      }
      const bool is_delta = event.kind == AnswerEvent::Kind::kContent ||
                            event.kind == AnswerEvent::Kind::kReasoning ||
                            event.kind == AnswerEvent::Kind::kArguments;
      if (is_delta && !all.empty() && all.back().front() == kind) {
        all.back() += event.text;
      } else {
        all.push_back(kind + event.text);
      }
    }
  };
  for (size_t at = 0; at < text.size(); at += piece) add(parser.push(text.substr(at, piece)));
  add(parser.finish());
  return all;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  AnswerFormat format = AnswerFormat::table()[data[0] % AnswerFormat::table().size()];
  if (format.headers.reasoning.empty()) {
    format.reasoning_open = "<think>";
    format.reasoning_close = "</think>";
  }
  const std::string text =
      hearth::replace_invalid_utf8({reinterpret_cast<const char*>(data) + 2, size - 2});
  if (read(format, text, text.size() + 1) != read(format, text, data[1] % 16 + 1)) std::abort();
  return 0;
}
