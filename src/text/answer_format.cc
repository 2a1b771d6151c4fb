#include "text/answer_format.h"

#include <algorithm>

#include "text/answer/json_scanner.h"
#include "text/answer/probe.h"

namespace hearth::text {
namespace {

AnswerFormat row(std::string name, CallMarks calls) {
  AnswerFormat format;
  format.name = std::move(name);
  format.calls = std::move(calls);
  return format;
}

AnswerFormat json_row(std::string name, std::string open, std::string close) {
  return row(std::move(name), {.section_open = std::move(open), .section_close = std::move(close)});
}

// <invoke name="NAME"> <parameter name="KEY">VALUE</parameter> </invoke>, the tags within the
// section with a prefix.
CallMarks invoke_marks(const std::string& section, const std::string& prefix) {
  return {.style = CallStyle::kTagged,
          .section_open = "<" + section + ">",
          .section_close = "</" + section + ">",
          .call_open = "<" + prefix + "invoke name=\"",
          .call_close = "</" + prefix + "invoke>",
          .name_end = "\">",
          .key_open = "<" + prefix + "parameter name=\"",
          .key_cut = "\"",
          .value_open = ">",
          .value_close = "</" + prefix + "parameter>"};
}

// <function=NAME> <parameter=KEY>VALUE</parameter> </function>
CallMarks function_marks(const std::string& section, bool pads_values) {
  return {.style = CallStyle::kTagged,
          .section_open = "<" + section + ">",
          .section_close = "</" + section + ">",
          .may_lack_section = true,
          .call_open = "<function=",
          .call_close = "</function>",
          .name_end = ">",
          .key_open = "<parameter=",
          .value_open = ">",
          .value_close = "</parameter>",
          .pads_values = pads_values};
}

// NAME <arg_key>KEY</arg_key> <arg_value>VALUE</arg_value>
CallMarks arg_key_marks(const std::string& suffix) {
  return {.style = CallStyle::kTagged,
          .call_open = "<tool_call" + suffix + ">",
          .call_close = "</tool_call" + suffix + ">",
          .key_open = "<arg_key" + suffix + ">",
          .key_cut = "</arg_key" + suffix + ">",
          .value_open = "<arg_value" + suffix + ">",
          .value_close = "</arg_value" + suffix + ">"};
}

std::vector<AnswerFormat> tagged_rows() {
  std::vector<AnswerFormat> rows;
  rows.push_back(row("qwen3-coder", function_marks("tool_call", true)));
  rows.push_back(row("seed-oss", function_marks("seed:tool_call", false)));
  rows.push_back(row("glm-4.5", arg_key_marks("")));
  CallMarks hunyuan = arg_key_marks(":opensource");
  hunyuan.section_open = "<tool_calls:opensource>";
  hunyuan.section_close = "</tool_calls:opensource>";
  hunyuan.name_end = "<tool_sep:opensource>";
  rows.push_back(row("hunyuan", std::move(hunyuan)));
  rows.push_back(row("minimax-m2", invoke_marks("minimax:tool_call", "")));
  rows.push_back(row("deepseek-v3.2", invoke_marks("｜DSML｜function_calls", "｜DSML｜")));
  rows.push_back(row("deepseek-v4", invoke_marks("｜DSML｜tool_calls", "｜DSML｜")));
  rows.push_back(row("muse", invoke_marks("atem:function_calls", "atem:")));
  rows.back().headers = {.open = {"<|start|>assistant"},
                         .end = "<|message|>",
                         .close = "<|eom|>",
                         .reasoning = "to=self"};
  rows.push_back(row("minicpm5", {.style = CallStyle::kTagged,
                                  .call_open = "<function name=\"",
                                  .call_close = "</function>",
                                  .name_end = "\">",
                                  .key_open = "<param name=\"",
                                  .key_cut = "\"",
                                  .value_open = ">",
                                  .value_close = "</param>",
                                  .text_open = "<![CDATA[",
                                  .text_close = "]]>"}));
  rows.push_back(row("kimi-k3", {.style = CallStyle::kTagged,
                                 .section_open = "<|open|>tools<|sep|>",
                                 .section_close = "<|close|>tools<|sep|>",
                                 .call_open = "<|open|>call tool=\"",
                                 .call_close = "<|close|>call<|sep|>",
                                 .name_end = "<|sep|>",
                                 .name_cut = "\"",
                                 .key_open = "<|open|>argument key=\"",
                                 .key_cut = "\"",
                                 .value_open = "<|sep|>",
                                 .value_close = "<|close|>argument<|sep|>"}));
  rows.back().ignored = {"<|open|>response<|sep|>", "<|close|>response<|sep|>",
                         "<|close|>message<|sep|>"};
  return rows;
}

std::vector<AnswerFormat> named_rows() {
  constexpr auto kStyle = CallStyle::kNamedJson;
  const std::string calls_open = "<｜tool▁calls▁begin｜>", calls_close = "<｜tool▁calls▁end｜>";
  const std::string call_open = "<｜tool▁call▁begin｜>", call_close = "<｜tool▁call▁end｜>";
  const std::string separator = "<｜tool▁sep｜>";
  std::vector<AnswerFormat> rows;
  rows.push_back(row("deepseek-r1", {.style = kStyle,
                                     .section_open = calls_open,
                                     .section_close = calls_close,
                                     .call_open = call_open + "function" + separator,
                                     .call_close = "```" + call_close,
                                     .name_end = "\n```json\n"}));
  rows.push_back(row("deepseek-v3.1", {.style = kStyle,
                                       .section_open = calls_open,
                                       .section_close = calls_close,
                                       .call_open = call_open,
                                       .call_close = call_close,
                                       .name_end = separator}));
  rows.push_back(row("kimi-k2", {.style = kStyle,
                                 .section_open = "<|tool_calls_section_begin|>",
                                 .section_close = "<|tool_calls_section_end|>",
                                 .call_open = "<|tool_call_begin|>",
                                 .call_close = "<|tool_call_end|>",
                                 .name_end = "<|tool_call_argument_begin|>",
                                 .name_cut = ":"}));
  rows.push_back(row("mistral-args", {.style = kStyle,
                                      .call_open = "[TOOL_CALLS]",
                                      .name_end = "[ARGS]",
                                      .name_cut = "[CALL_ID]"}));
  rows.push_back(row(
      "functionary-v3.1",
      {.style = kStyle, .call_open = "<function=", .call_close = "</function>", .name_end = ">"}));
  rows.push_back({});
  rows.back().name = "functionary-v3.2";
  rows.back().headers = {.open = {">>>"}, .end = "\n", .content = "all", .calls_by_name = true};
  rows.push_back({});
  rows.back().name = "harmony";
  rows.back().headers = {.open = {"<|start|>assistant", "<|channel|>"},
                         .end = "<|message|>",
                         .close = "<|end|>",
                         .reasoning = "analysis",
                         .call = "to=functions."};
  return rows;
}

std::vector<AnswerFormat> json_rows() {
  std::vector<AnswerFormat> rows;
  rows.push_back(json_row("hermes", "<tool_call>", "</tool_call>"));
  rows.push_back(json_row("mistral-list", "[TOOL_CALLS]", ""));
  rows.push_back(json_row("phi-4", "<|tool_call|>", "<|/tool_call|>"));
  rows.push_back(json_row("granite", "<|tool_call|>", ""));
  rows.push_back(json_row("gigachat", "<|function_call|>", ""));
  rows.push_back(json_row("tool-calls", "<tool_calls>", "</tool_calls>"));
  rows.push_back(json_row("nemotron-v2", "<TOOLCALL>", "</TOOLCALL>"));
  rows.push_back(json_row("command-r7b", "<|START_ACTION|>", "<|END_ACTION|>"));
  rows.back().ignored = {"<|START_RESPONSE|>", "<|END_RESPONSE|>", "<|START_TEXT|>",
                         "<|END_TEXT|>"};
  rows.push_back(json_row("command-r", "Action: ```json", "```"));
  rows.push_back(json_row("apertus", "<|tools_prefix|>", "<|tools_suffix|>"));
  rows.back().calls.name_is_key = true;
  rows.push_back(json_row("llama-3", "<|python_tag|>", ""));
  rows.back().calls.may_be_bare = true;
  return rows;
}

std::vector<AnswerFormat> literal_rows() {
  std::vector<AnswerFormat> rows;
  rows.push_back(row("lfm2", {.style = CallStyle::kPython,
                              .section_open = "<|tool_call_start|>",
                              .section_close = "<|tool_call_end|>"}));
  rows.push_back(row("gemma-4", {.style = CallStyle::kGemma,
                                 .section_open = "<|tool_call>",
                                 .section_close = "<tool_call|>"}));
  return rows;
}

}  // namespace

const std::vector<AnswerFormat>& AnswerFormat::table() {
  static const std::vector<AnswerFormat> all = [] {
    std::vector<AnswerFormat> rows;
    for (auto& part : {json_rows(), named_rows(), tagged_rows(), literal_rows()}) {
      rows.insert(rows.end(), part.begin(), part.end());
    }
    return rows;
  }();
  return all;
}

const AnswerFormat* AnswerFormat::find(std::string_view name) {
  const auto found = std::ranges::find(table(), name, &AnswerFormat::name);
  return found == table().end() ? nullptr : &*found;
}

AnswerFormat AnswerFormat::of(std::string_view source, const ChatTemplate& chat_template) {
  return Probe(source, chat_template).format();
}

bool AnswerFormat::opens_reasoning(std::string_view prompt) const {
  return !reasoning_open.empty() && trimmed(prompt).ends_with(trimmed(reasoning_open));
}

std::vector<std::string> AnswerFormat::marks() const {
  std::vector<std::string> all = {
      calls.section_open, calls.section_close, calls.call_open, calls.call_close, calls.name_end,
      calls.name_cut,     calls.key_open,      calls.key_cut,   calls.value_open, calls.value_close,
      headers.end,        headers.close,       reasoning_open,  reasoning_close};
  all.insert(all.end(), ignored.begin(), ignored.end());
  all.insert(all.end(), headers.open.begin(), headers.open.end());
  if (calls.style == CallStyle::kGemma) all.push_back("<|\"|>");
  if (headers.end == "<|message|>") all.push_back("<|constrain|>");
  std::erase(all, "");
  return all;
}

}  // namespace hearth::text
