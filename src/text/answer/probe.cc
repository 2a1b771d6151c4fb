#include "text/answer/probe.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "text/answer/json_scanner.h"
#include "text/answer_parser.h"

namespace hearth::text {
namespace {

using Json = nlohmann::ordered_json;

// Words that no template writes by itself.
constexpr std::string_view kTool = "qtoolz", kKey = "qargz", kValue = "qvaluez";
constexpr std::string_view kThought = "qthoughtz", kText = "qtextz";

constexpr std::string_view kTools = R"([{"type": "function", "function": {"name": "qtoolz",
  "description": "D", "parameters": {"type": "object",
  "properties": {"qargz": {"type": "string", "description": "E"}}, "required": ["qargz"]}}}])";
constexpr std::string_view kUserText = "quserz";
constexpr std::string_view kUser = R"({"role": "user", "content": "quserz"})";
constexpr std::string_view kArguments = R"({"qargz": "qvaluez"})";

struct ReasoningMarks {
  std::string_view open, close;
};
constexpr ReasoningMarks kReasoning[] = {
    {"<think>", "</think>"},
    {"<seed:think>", "</seed:think>"},
    {"<think:opensource>", "</think:opensource>"},
    {"[THINK]", "[/THINK]"},
    {"<|START_THINKING|>", "<|END_THINKING|>"},
    {"<|channel>thought", "<channel|>"},
    {"<|open|>think<|sep|>", "<|close|>think<|sep|>"},
    {"<|inner_prefix|>", "<|inner_suffix|>"},
    {"<thinking>", "</thinking>"},
    {"<reasoning>", "</reasoning>"},
    {"Here is my thought process:", "Here is my response:"},
};

// An assistant's message that calls the tool; its arguments as JSON or as JSON in a string.
std::string call_message(bool in_string, const char* content) {
  const std::string arguments = in_string ? Json(kArguments).dump() : std::string(kArguments);
  return fmt::format(
      R"({{"role": "assistant", "content": {}, "tool_calls": [{{"id": "qid123456",
      "type": "function", "function": {{"name": "{}", "arguments": {}}}}}]}})",
      content, kTool, arguments);
}

size_t common_prefix(std::string_view a, std::string_view b) {
  return static_cast<size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
}

size_t after(std::string_view text, std::string_view word) {
  const size_t at = text.rfind(word);
  return at == text.npos ? 0 : at + word.size();
}

// Not within a mark that the two texts begin alike.
size_t before_open_mark(std::string_view text, size_t end) {
  const std::string_view before = text.substr(0, end);
  for (const auto& [open, close] : {std::pair('<', '>'), std::pair('[', ']')}) {
    const size_t at = before.rfind(open);
    if (at != before.npos && before.find(close, at) == before.npos && end - at < 32) return at;
  }
  return end;
}

// The mark that a text begins with, or ends with.
std::string_view first_mark(std::string_view text) {
  text = trimmed(text);
  const char close = text.starts_with('<') ? '>' : text.starts_with('[') ? ']' : '\0';
  const size_t end = close == '\0' ? text.npos : text.find(close);
  return end == text.npos || end > 64 ? std::string_view() : text.substr(0, end + 1);
}
std::string_view last_mark(std::string_view text) {
  text = trimmed(text);
  const char open = text.ends_with('>') ? '<' : text.ends_with(']') ? '[' : '\0';
  const size_t start = open == '\0' ? text.npos : text.rfind(open);
  return start == text.npos || text.size() - start > 64 ? std::string_view() : text.substr(start);
}

}  // namespace

Probe::Probe(std::string_view source, const ChatTemplate& chat_template)
    : source_(source), template_(chat_template), tools_(ToolSet::from_json(kTools).value()) {}

std::optional<std::string> Probe::render(std::string_view messages, bool is_prompt) const {
  const std::string variables = fmt::format(
      R"({{"messages": [{}], "tools": {}, "add_generation_prompt": {}, "bos_token": "<s>",
      "eos_token": "</s>"}})",
      messages, kTools, is_prompt);
  TemplateLimits limits;
  limits.now = 0;
  auto text = template_.render(variables, limits);
  if (!text) return std::nullopt;
  return std::move(*text);
}

std::optional<Probe::Answer> Probe::answer(std::string_view message) const {
  const auto whole = render(fmt::format("{}, {}", kUser, message), false);
  if (!whole) return std::nullopt;
  const size_t user = after(*whole, kUserText);
  const auto written = std::string_view(*whole).substr(user);
  size_t start = 0;
  const auto prompt = render(kUser, true);
  const std::string opening = prompt ? prompt->substr(after(*prompt, kUserText)) : std::string();
  if (!opening.empty() && written.starts_with(opening)) {
    start = opening.size();
  } else {
    const auto plain =
        render(fmt::format(R"({}, {{"role": "assistant", "content": "{}"}})", kUser, kText), false);
    const std::string other = plain ? plain->substr(after(*plain, kUserText)) : opening;
    start = before_open_mark(written, common_prefix(written, other));
  }
  return Answer{whole->substr(0, user + start), whole->substr(user + start)};
}

std::optional<Probe::Answer> Probe::call_answer() const {
  for (const bool in_string : {false, true}) {
    for (const char* content : {"\"\"", "null"}) {
      auto written = answer(call_message(in_string, content));
      const auto has = [&](std::string_view word) {
        return written->text.find(word) != std::string::npos;
      };
      // Escaped quotes: the template took JSON in a string for a text.
      if (written && has(kTool) && has(kValue) && !has("\\\"")) return written;
    }
  }
  return std::nullopt;
}

// Bytes of the answer that the format takes for content; none where it reads another call.
std::optional<size_t> Probe::n_unread(const AnswerFormat& format, const Answer& answer) const {
  AnswerParser parser(format, tools_, format.opens_reasoning(answer.prompt));
  std::vector<AnswerEvent> events = parser.push(answer.text);
  for (AnswerEvent& event : parser.finish()) events.push_back(std::move(event));
  std::string name, arguments;
  int n_ends = 0;
  size_t n_content = 0;
  for (const AnswerEvent& event : events) {
    using Kind = AnswerEvent::Kind;
    if (event.kind == Kind::kCallBegin) name = event.text;
    if (event.kind == Kind::kArguments) arguments += event.text;
    if (event.kind == Kind::kCallEnd) ++n_ends;
    if (event.kind == Kind::kContent) n_content += event.text.size();
  }
  const bool is_read = n_ends == 1 && name == kTool &&
                       Json::parse(arguments, nullptr, false) == Json::parse(kArguments);
  return is_read ? std::optional(n_content) : std::nullopt;
}

// Marks around the known name that no row of the table has.
std::optional<AnswerFormat> Probe::found_format(std::string_view answer) const {
  const size_t name = answer.find(kTool);
  const size_t value = answer.find(kValue);
  if (value < name) return std::nullopt;
  AnswerFormat format;
  format.name = "found";
  const size_t brace = answer.substr(0, name).rfind('{');
  const size_t end = answer.find('}', value);
  if (end == answer.npos) return std::nullopt;
  const std::string_view before = answer.substr(0, brace == answer.npos ? name : brace);
  std::string_view mark = trimmed(before);
  if (mark.ends_with('[') && brace != answer.npos) mark.remove_suffix(1);
  mark = last_mark(mark);
  if (mark.empty()) return std::nullopt;
  std::string_view after = trimmed(answer.substr(end + 1));
  if (brace != answer.npos) {
    while (after.starts_with('}') || after.starts_with(']')) after.remove_prefix(1);
    format.calls.section_open = mark;
    format.calls.section_close = first_mark(after);
    return format;
  }
  const size_t object = answer.find('{', name);
  if (object == answer.npos || object > value) return std::nullopt;
  format.calls.style = CallStyle::kNamedJson;
  format.calls.call_open = mark;
  format.calls.name_end = answer.substr(name + kTool.size(), object - name - kTool.size());
  format.calls.call_close = first_mark(after);
  return format.calls.name_end.empty() ? std::nullopt : std::optional(format);
}

Probe::Reasoning Probe::reasoning() const {
  const auto marks = [&](std::string_view open, std::string_view close) {
    return Reasoning{std::string(open), std::string(close)};
  };
  for (const char* key : {"reasoning_content", "thinking", "reasoning"}) {
    const auto written = answer(fmt::format(
        R"({{"role": "assistant", "content": "{}", "{}": "{}"}})", kText, key, kThought));
    if (!written) continue;
    const std::string whole = written->prompt + written->text;
    const size_t at = whole.find(kThought);
    if (at == std::string::npos) continue;
    const std::string_view before = trimmed(std::string_view(whole).substr(0, at));
    const std::string_view after = trimmed(std::string_view(whole).substr(at + kThought.size()));
    for (const auto& [open, close] : kReasoning) {
      if (before.ends_with(open) && after.starts_with(close)) return marks(open, close);
    }
    if (!last_mark(before).empty() && !first_mark(after).empty()) {
      return marks(last_mark(before), first_mark(after));
    }
  }
  for (const auto& [open, close] : kReasoning) {
    if (source_.find(close) != source_.npos) return marks(open, close);
  }
  return {};
}

AnswerFormat Probe::format() const {
  const auto has = [&](std::string_view text) { return source_.find(text) != source_.npos; };
  const Reasoning thought = reasoning();
  const auto with_reasoning = [&](AnswerFormat format, bool is_native) {
    format.is_native = is_native;
    if (!format.headers.reasoning.empty()) return format;
    format.reasoning_open = thought.open;
    format.reasoning_close = thought.close;
    return format;
  };
  if (const auto written = call_answer()) {
    std::optional<AnswerFormat> best;
    size_t least = written->text.size();
    for (const AnswerFormat& row : AnswerFormat::table()) {
      AnswerFormat format = with_reasoning(row, true);
      const auto n = n_unread(format, *written);
      if (!n || *n >= least) continue;
      least = *n;
      best = std::move(format);
    }
    if (best) return *best;
    if (const auto found = found_format(written->text)) {
      AnswerFormat format = with_reasoning(*found, true);
      if (n_unread(format, *written)) return format;
    }
  }
  if (has("<|channel|>") && has("<|message|>")) {
    return with_reasoning(*AnswerFormat::find("harmony"), true);
  }
  if (has("<|tool_list_start|>")) return with_reasoning(*AnswerFormat::find("lfm2"), true);
  for (const AnswerFormat& row : AnswerFormat::table()) {
    const std::string& mark =
        row.calls.section_open.empty() ? row.calls.call_open : row.calls.section_open;
    if (!mark.empty() && has(mark)) return with_reasoning(row, true);
  }
  return with_reasoning(*AnswerFormat::find("hermes"), false);
}

}  // namespace hearth::text
