#include "text/answer_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <stdexcept>

#include "base/utf8.h"
#include "tests/text/answer_reading.h"

namespace hearth::text {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const ToolSet& tools() {
  static const ToolSet set = ToolSet::from_json(R"([
    {"type": "function", "function": {"name": "look", "parameters": {"type": "object",
     "properties": {"at": {"type": "string"}, "n": {"type": "integer"},
                    "in": {"type": ["string", "null"]}, "deep": {"type": "object"},
                    "all": {"type": "boolean"}}}}},
    {"type": "function", "function": {"name": "now"}}])")
                                 .value();
  return set;
}

const AnswerFormat& row(std::string_view name) {
  const AnswerFormat* found = AnswerFormat::find(name);
  if (found == nullptr) throw std::runtime_error("no row " + std::string(name));
  static std::map<std::string, AnswerFormat, std::less<>> thinking;
  AnswerFormat& format = thinking[std::string(name)];
  format = *found;
  if (format.headers.reasoning.empty()) {
    format.reasoning_open = "<think>";
    format.reasoning_close = "</think>";
  }
  return format;
}

ReadAnswer read(std::string_view format, std::string_view text) {
  return read_answer(row(format), tools(), text);
}

struct Golden {
  const char* format;
  const char* text;
  const char* arguments = R"({"at": "a <b>\n\"c\"", "n": 7})";  // of `look`, once
};

// One answer a row of the table, as the model's template writes it.
const Golden kGoldens[] = {
    {"hermes",
     "<tool_call>\n{\"name\": \"look\", \"arguments\": {\"at\": \"a <b>\\n\\\"c\\\"\", "
     "\"n\": 7}}\n</tool_call>"},
    {"mistral-list", R"([TOOL_CALLS][{"name": "look", "arguments": {"at": "a <b>\n\"c\"", "n": 7},
                        "id": "abc123def"}])"},
    {"mistral-args", R"([TOOL_CALLS]look[CALL_ID]abc123def[ARGS]{"at": "a <b>\n\"c\"", "n": 7})"},
    {"phi-4",
     R"(<|tool_call|>[{"name": "look", "arguments": {"at": "a <b>\n\"c\"", "n": 7}}]<|/tool_call|>)"},
    {"granite", R"(<|tool_call|>[{"arguments": {"at": "a <b>\n\"c\"", "n": 7}, "name": "look"}])"},
    {"gigachat",
     R"(<|function_call|>{"name": "look", "arguments": {"at": "a <b>\n\"c\"", "n": 7}})"},
    {"tool-calls",
     R"(<tool_calls>[{"name": "look", "arguments": {"at": "a <b>\n\"c\"", "n": 7}}]</tool_calls>)"},
    {"nemotron-v2",
     R"(<TOOLCALL>[{"name": "look", "arguments": {"at": "a <b>\n\"c\"", "n": 7}}]</TOOLCALL>)"},
    {"command-r7b", R"(<|START_ACTION|>[
    {"tool_call_id": "0", "tool_name": "look", "parameters": {"at": "a <b>\n\"c\"", "n": 7}}
]<|END_ACTION|>)"},
    {"command-r",
     "Action: ```json\n[{\"tool_name\": \"look\", \"parameters\": {\"at\": \"a "
     "<b>\\n\\\"c\\\"\", \"n\": 7}}]\n```"},
    {"apertus", R"(<|tools_prefix|>[{"look": {"at": "a <b>\n\"c\"", "n": 7}}]<|tools_suffix|>)"},
    {"llama-3", R"({"name": "look", "parameters": {"at": "a <b>\n\"c\"", "n": 7}})"},
    {"llama-3",
     R"(<|python_tag|>{"type": "function", "name": "look", "parameters": {"at": "a <b>\n\"c\"", "n": 7}})"},
    {"deepseek-r1",
     "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>look\n```json\n"
     "{\"at\": \"a <b>\\n\\\"c\\\"\", \"n\": 7}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>"},
    {"deepseek-v3.1",
     R"(<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>look<｜tool▁sep｜>{"at": "a <b>\n\"c\"", "n": 7}<｜tool▁call▁end｜><｜tool▁calls▁end｜>)"},
    {"kimi-k2",
     R"(<|tool_calls_section_begin|><|tool_call_begin|>functions.look:0<|tool_call_argument_begin|>{"at": "a <b>\n\"c\"", "n": 7}<|tool_call_end|><|tool_calls_section_end|>)"},
    {"functionary-v3.1", R"(<function=look>{"at": "a <b>\n\"c\"", "n": 7}</function>)"},
    {"functionary-v3.2", "look\n{\"at\": \"a <b>\\n\\\"c\\\"\", \"n\": 7}"},
    {"harmony",
     "<|channel|>commentary to=functions.look <|constrain|>json<|message|>{\"at\": \"a "
     "<b>\\n\\\"c\\\"\", \"n\": 7}"},
    {"qwen3-coder",
     "<tool_call>\n<function=look>\n<parameter=at>\na <b>\n\"c\"\n</parameter>\n"
     "<parameter=n>\n7\n</parameter>\n</function>\n</tool_call>"},
    {"qwen3-coder",
     "<function=look>\n<parameter=at>\na <b>\n\"c\"\n</parameter>\n"
     "<parameter=n>\n7\n</parameter>\n</function>\n</tool_call>"},
    {"seed-oss",
     "<seed:tool_call>\n<function=look>\n<parameter=at>a <b>\n\"c\"</parameter>\n"
     "<parameter=n>7</parameter>\n</function>\n</seed:tool_call>"},
    {"glm-4.5",
     "<tool_call>look\n<arg_key>at</arg_key>\n<arg_value>a <b>\n\"c\"</arg_value>\n"
     "<arg_key>n</arg_key>\n<arg_value>7</arg_value>\n</tool_call>"},
    {"hunyuan",
     "<tool_calls:opensource>\n<tool_call:opensource>look<tool_sep:opensource>\n"
     "<arg_key:opensource>at</arg_key:opensource>\n<arg_value:opensource>a <b>\n\"c\""
     "</arg_value:opensource>\n<arg_key:opensource>n</arg_key:opensource>\n"
     "<arg_value:opensource>7</arg_value:opensource>\n</tool_call:opensource>\n"
     "</tool_calls:opensource>"},
    {"minimax-m2",
     "<minimax:tool_call>\n<invoke name=\"look\">\n<parameter name=\"at\">a <b>\n\"c\""
     "</parameter>\n<parameter name=\"n\">7</parameter>\n</invoke>\n</minimax:tool_call>"},
    {"deepseek-v3.2",
     "<｜DSML｜function_calls>\n<｜DSML｜invoke name=\"look\">\n<｜DSML｜parameter "
     "name=\"at\" string=\"true\">a <b>\n\"c\"</｜DSML｜parameter>\n<｜DSML｜parameter "
     "name=\"n\" string=\"false\">7</｜DSML｜parameter>\n</｜DSML｜invoke>\n"
     "</｜DSML｜function_calls>"},
    {"deepseek-v4",
     "<｜DSML｜tool_calls>\n<｜DSML｜invoke name=\"look\">\n<｜DSML｜parameter "
     "name=\"at\" string=\"true\">a <b>\n\"c\"</｜DSML｜parameter>\n<｜DSML｜parameter "
     "name=\"n\" string=\"false\">7</｜DSML｜parameter>\n</｜DSML｜invoke>\n"
     "</｜DSML｜tool_calls>"},
    {"muse",
     " to=look<|message|><atem:function_calls>\n<atem:invoke name=\"look\">\n<atem:parameter "
     "name=\"at\">a <b>\n\"c\"</atem:parameter>\n<atem:parameter name=\"n\">7</atem:parameter>\n"
     "</atem:invoke>\n</atem:function_calls>"},
    {"minicpm5",
     "<function name=\"look\"><param name=\"at\"><![CDATA[a <b>\n\"c\"]]></param>"
     "<param name=\"n\">7</param></function>"},
    {"kimi-k3",
     "<|open|>tools<|sep|><|open|>call tool=\"look\" index=\"1\"<|sep|><|open|>argument "
     "key=\"at\" type=\"string\"<|sep|>a <b>\n\"c\"<|close|>argument<|sep|><|open|>argument "
     "key=\"n\" type=\"number\"<|sep|>7<|close|>argument<|sep|><|close|>call<|sep|>"
     "<|close|>tools<|sep|>"},
    {"lfm2", "<|tool_call_start|>[look(at='a <b>\\n\"c\"', n=7)]<|tool_call_end|>"},
    {"gemma-4", "<|tool_call>call:look{at:<|\"|>a <b>\n\"c\"<|\"|>,n:7}<tool_call|>"},
};

TEST(AnswerParser, reads_a_call_of_every_format) {
  std::set<std::string> seen;
  for (const Golden& golden : kGoldens) {
    SCOPED_TRACE(golden.text);
    seen.insert(golden.format);
    const ReadAnswer answer = read(golden.format, golden.text);
    EXPECT_EQ(answer.content, "");
    ASSERT_EQ(answer.calls.size(), 1u);
    EXPECT_EQ(answer.calls[0].name, "look");
    EXPECT_EQ(nlohmann::json::parse(answer.calls[0].arguments, nullptr, false),
              nlohmann::json::parse(golden.arguments))
        << answer.calls[0].arguments;
  }
  for (const AnswerFormat& format : AnswerFormat::table()) {
    EXPECT_TRUE(seen.contains(format.name)) << format.name << " has no answer here";
  }
}

std::vector<std::string> all_texts() {
  std::vector<std::string> texts;
  for (const Golden& golden : kGoldens) texts.push_back(golden.text);
  return texts;
}

TEST(AnswerParser, any_split_gives_the_same_events) {
  std::mt19937 random(7);
  const std::vector<std::string> texts = all_texts();
  const std::string fillers[] = {" Then\n\n", "<think>why?</think>\n", "<", "</tool_call>",
                                 "{\"name\": 3}"};
  for (int round = 0; round < 4000; ++round) {
    const Golden& golden = kGoldens[random() % std::size(kGoldens)];
    std::string text;
    for (int part = 0; part < 4; ++part) {
      const uint32_t kind = random() % 4;
      text += kind == 0   ? fillers[random() % std::size(fillers)]
              : kind == 1 ? texts[random() % texts.size()]
                          : golden.text;
    }
    if (random() % 3 == 0) text[random() % text.size()] = "<>{}[]\"\\ x\n"[random() % 11];
    if (random() % 3 == 0) text.resize(random() % text.size());
    text = replace_invalid_utf8(text);
    const ReadAnswer whole = read(golden.format, text);
    AnswerReading reading(row(golden.format), tools());
    for (size_t at = 0; at < text.size();) {
      const size_t n = 1 + random() % 9;
      reading.push(std::string_view(text).substr(at, n));
      at += n;
    }
    ASSERT_EQ(reading.finish().events, whole.events) << golden.format << ": " << text;
    for (const auto& call : whole.calls) {
      ASSERT_TRUE(nlohmann::json::accept(call.arguments)) << call.arguments << "\n" << text;
    }
  }
}

TEST(AnswerParser, text_comes_at_once_but_for_what_may_be_a_mark) {
  AnswerParser parser(row("hermes"), tools());
  const auto text = [&](std::string_view piece) {
    std::string all;
    for (const AnswerEvent& event : parser.push(piece)) all += event.text;
    return all;
  };
  EXPECT_EQ(text("a <to"), "a");
  EXPECT_EQ(text("ol "), " <tool");
  EXPECT_EQ(text("b"), " b");
  EXPECT_EQ(text("<tool_call>{\"name\": \"look\", "), "");
  EXPECT_TRUE(parser.in_call());
  EXPECT_EQ(text("\"arguments\": {\"at\": \"x"), "look{\"at\": \"x");
  EXPECT_EQ(text("y\"}}"), "y\"}");
}

TEST(AnswerParser, content_stands_before_and_after_calls) {
  const ReadAnswer answer =
      read("hermes",
           "<think>\nHm.\n</think>\n\nI look.\n<tool_call>{\"name\": \"look\", "
           "\"arguments\": {}}</tool_call>\n<tool_call>{\"name\": \"now\"}</tool_call> Done.");
  EXPECT_EQ(answer.reasoning, "Hm.");
  EXPECT_EQ(answer.content, "I look.Done.");
  EXPECT_THAT(answer.calls,
              ElementsAre(ReadAnswer::Call{"look", "{}"}, ReadAnswer::Call{"now", "{}"}));
}

TEST(AnswerParser, channels_part_reasoning_from_content) {
  const ReadAnswer answer = read("harmony",
                                 "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant"
                                 "<|channel|>final<|message|>Yes.");
  EXPECT_EQ(answer.reasoning, "Hm.");
  EXPECT_EQ(answer.content, "Yes.");
  EXPECT_EQ(read("functionary-v3.2", "all\nYes >>> no").content, "Yes >>> no");
}

TEST(AnswerParser, the_prompt_may_have_opened_the_reasoning) {
  const AnswerFormat& format = row("hermes");
  EXPECT_TRUE(format.opens_reasoning("<|im_start|>assistant\n<think>\n"));
  EXPECT_FALSE(format.opens_reasoning("<|im_start|>assistant\n<think>\n\n</think>\n"));
  const ReadAnswer answer = read_answer(format, tools(), "Hm.\n</think>\nYes.", true);
  EXPECT_EQ(answer.reasoning, "Hm.");
  EXPECT_EQ(answer.content, "Yes.");
}

TEST(AnswerParser, reasoning_marks_within_content_are_content) {
  EXPECT_EQ(read("hermes", "Models write <think> first.").content, "Models write <think> first.");
}

TEST(AnswerParser, what_is_no_call_is_content_unchanged) {
  const std::pair<const char*, const char*> answers[] = {
      {"hermes", "Use <tool_call> tags."},
      {"hermes", " <tool_call>\n{\"name\": \"look\", \"arguments\": {\"at\": oops}}\n</tool_call>"},
      {"hermes", "<tool_call>{\"name\": \"look\", \"arguments\": {\"at\": \"cut o"},
      {"hermes", "<tool_call>{\"arguments\": {}}</tool_call>"},
      {"hermes", "<tool_call>{\"name\": \"look\", \"arguments\": [1]}</tool_call>"},
      {"hermes",
       "<tool_call>{\"name\": \"look\", \"arguments\": {\"at\": \"\\ud800\"}}</tool_call>"},
      {"llama-3", "{\"name\": \"Ann\", \"age\": 3}"},
      {"llama-3", "{\"name\": \"unknown\", \"parameters\": {}}"},
      {"llama-3", "{\"name\": \"look\"}"},
      {"mistral-args", "[TOOL_CALLS] and then"},
      {"qwen3-coder", "<tool_call>\n<function=look>\n<parameter=at>\nx\n</function>"},
      {"glm-4.5", "<tool_call>look<b></tool_call>"},
      {"lfm2", "<|tool_call_start|>[look(at=open('x'))]<|tool_call_end|>"},
      {"gemma-4", "<|tool_call>call:look{at:<|\"|>x}<tool_call|>"},
      {"harmony", "no header at all"},
      {"hermes", "  two spaces and a line\n"},
  };
  for (const auto& [format, text] : answers) {
    const ReadAnswer answer = read(format, text);
    EXPECT_EQ(answer.content, text) << format;
    EXPECT_THAT(answer.calls, IsEmpty()) << format << ": " << text;
  }
}

TEST(AnswerParser, a_call_after_a_broken_one_counts) {
  const ReadAnswer answer =
      read("hermes", "<tool_call>{\"name\": <tool_call>{\"name\": \"now\"}</tool_call>");
  EXPECT_EQ(answer.content, "<tool_call>{\"name\": ");
  EXPECT_THAT(answer.calls, ElementsAre(ReadAnswer::Call{"now", "{}"}));
}

TEST(AnswerParser, arguments_in_tags_have_the_types_of_the_schema) {
  const auto arguments = [](const std::string& key, const std::string& value) {
    return read("seed-oss", "<seed:tool_call><function=look><parameter=" + key + ">" + value +
                                "</parameter></function></seed:tool_call>")
        .calls.at(0)
        .arguments;
  };
  EXPECT_EQ(arguments("at", "12"), R"({"at": "12"})");
  EXPECT_EQ(arguments("n", "12"), R"({"n": 12})");
  EXPECT_EQ(arguments("n", "twelve"), R"({"n": "twelve"})");
  EXPECT_EQ(arguments("all", "True"), R"({"all": true})");
  EXPECT_EQ(arguments("in", "null"), R"({"in": null})");
  EXPECT_EQ(arguments("in", "12"), R"({"in": "12"})");
  EXPECT_EQ(arguments("deep", "{'a': [1, None]}"), R"({"deep": {"a": [1, null]}})");
  EXPECT_EQ(arguments("unheard", "12"), R"({"unheard": "12"})");
}

TEST(AnswerParser, raw_line_breaks_in_strings_become_escapes) {
  const ReadAnswer answer = read(
      "hermes", "<tool_call>{\"name\": \"look\", \"arguments\": {\"at\": \"a\nb\"}}</tool_call>");
  ASSERT_EQ(answer.calls.size(), 1u);
  EXPECT_EQ(answer.calls[0].arguments, "{\"at\": \"a\\nb\"}");
}

std::string repeated(std::string_view text, size_t n) {
  std::string all;
  while (n-- > 0) all += text;
  return all;
}

TEST(HostileAnswer, loses_nothing_and_comes_to_an_end) {
  for (const AnswerFormat& format : AnswerFormat::table()) {
    SCOPED_TRACE(format.name);
    const CallMarks& calls = format.calls;
    const std::string open = calls.section_open + calls.call_open;
    const std::string texts[] = {
        repeated("<", 200000),
        repeated(" ", 200000),
        repeated(open.empty() ? ">>>" : open, 20000),
        open + repeated("{\"name\": ", 20000),
        open + repeated("[", 200000),
        open + "look" + calls.name_end + repeated("{\"a\":", 200000),
        open + "look" + calls.name_end + calls.key_open + repeated("x", 200000),
        open + R"({"name": "look", "arguments": {"a": ")" + repeated("\\\\", 100000),
        open + "look" + calls.name_end + calls.key_open + "k" + calls.key_cut + calls.value_open +
            repeated("\n</", 60000),
    };
    for (const std::string& text : texts) {
      const ReadAnswer answer = read(format.name, text);
      EXPECT_THAT(answer.calls, IsEmpty());
      EXPECT_TRUE(answer.content == text) << text.substr(0, 100);
    }
  }
}

TEST(HostileAnswer, a_call_without_end_is_given_back) {
  const std::string text = "<tool_call>{\"name\": \"look\", \"arguments\": {\"at\": \"" +
                           repeated("x", AnswerParser::kMaxCallBytes + 10);
  const ReadAnswer answer = read("hermes", text);
  EXPECT_EQ(answer.content.size(), text.size());
  EXPECT_THAT(answer.calls, IsEmpty());
}

TEST(ToolSet, what_is_no_list_of_tools_is_refused) {
  for (const char* tools : {"", "{}", "[1]", "[{}]", R"([{"name": ""}])", R"([{"name": 3}])",
                            R"([{"name": "a"}, {"name": "a"}])", R"([{"function": 3}])"}) {
    EXPECT_FALSE(ToolSet::from_json(tools)) << tools;
  }
  EXPECT_FALSE(ToolSet::from_json(repeated("[", 1000)));
  EXPECT_TRUE(ToolSet::from_json(R"([{"name": "a", "parameters": null}])"));
}

}  // namespace
}  // namespace hearth::text
