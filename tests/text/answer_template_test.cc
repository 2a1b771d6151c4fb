// What goes into a model's chat template as a tool call comes out of the parser, for every template
// that writes tool calls. The templates are not part of the tree; answer_parser_test.cc holds the
// same for answers written down there.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>

#include "tests/text/answer_reading.h"
#include "text/chat_template.h"

namespace hearth::text {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kTools = R"([{"type": "function", "function": {"name": "find_place",
  "description": "Finds.", "parameters": {"type": "object", "properties": {
  "query": {"type": "string", "description": "a"}, "n": {"type": "integer", "description": "b"},
  "area": {"type": "object", "description": "c"}, "exact": {"type": "boolean", "description": "d"}},
  "required": ["query"]}}}])";
constexpr const char* kArguments =
    R"({"query": "caf\u00e9 <b> & \"bar\", {x}", "n": -42, "area": {"at": [1.5, "b"], "deep": {"no": null}}, "exact": true})";

// What ends an answer that calls a tool, where it is not what ends a plain one.
const std::string kTurnEnds[] = {
    "<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|><|START_THINKING|><|END_THINKING|>",
    "<|END_OF_TURN_TOKEN|>",
    "<｜Assistant｜><｜end▁of▁sentence｜>",
    "<｜Assistant｜>",
    "<｜end▁of▁sentence｜>",
    "<|eom_id|>",
    "<|tool_response>",
    "<|end_of_msg|>",
    "<SPECIAL_12>\n\n",
    "<｜hy_eos:opensource｜>",
};

struct Written {
  std::string prompt, text;
};

class Template {
 public:
  explicit Template(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    source_.assign(std::istreambuf_iterator<char>(file), {});
    template_.emplace(ChatTemplate::compile(source_).value());
    format_ = AnswerFormat::of(source_, *template_);
  }

  const AnswerFormat& format() const { return format_; }

  std::optional<std::string> render(const Json& messages, bool is_prompt) const {
    const Json variables = {{"messages", messages},
                            {"tools", Json::parse(kTools)},
                            {"add_generation_prompt", is_prompt},
                            {"bos_token", "<s>"},
                            {"eos_token", "</s>"}};
    TemplateLimits limits;
    limits.time_ms = 60'000;
    limits.now = 0;
    auto text = template_->render(variables.dump(), limits);
    return text ? std::optional(*text) : std::nullopt;
  }

  // The assistant's part: between what stands before any answer and what ends every answer.
  std::optional<Written> answer(const Json& message) const {
    const Json user = {{"role", "user"}, {"content", "Find it."}};
    const auto whole = render({user, message}, false);
    const auto plain = render({user, {{"role", "assistant"}, {"content", "PLAIN"}}}, false);
    const auto prompt = render(Json::array({user}), true);
    if (!whole || !plain) return std::nullopt;
    const auto after_user = [](const std::string& text) { return text.rfind("Find it.") + 8; };
    const size_t user_end = after_user(*whole);
    std::string text = whole->substr(user_end);
    const std::string opening = prompt ? prompt->substr(after_user(*prompt)) : "";
    size_t start = opening.size();
    if (opening.empty() || !text.starts_with(opening)) {
      const std::string other = plain->substr(after_user(*plain));
      start = static_cast<size_t>(std::ranges::mismatch(text, other).in1 - text.begin());
      const size_t mark = start == 0 ? std::string::npos : text.rfind('<', start - 1);
      if (mark != std::string::npos && text.find('>', mark) >= start) start = mark;
    }
    text.erase(0, start);
    for (const std::string& end : kTurnEnds) {
      if (text.ends_with(end)) text.resize(text.size() - end.size());
    }
    const std::string end = plain->substr(plain->rfind("PLAIN") + 5);
    if (!end.empty() && text.ends_with(end)) text.resize(text.size() - end.size());
    start += user_end;
    return Written{whole->substr(0, start), text};
  }

 private:
  std::string source_;
  std::optional<ChatTemplate> template_;
  AnswerFormat format_;
};

Json call_message(bool in_string, const Json& content, int n_calls) {
  const Json arguments = Json::parse(kArguments);
  Json calls = Json::array();
  for (int i = 0; i < n_calls; ++i) {
    calls.push_back({{"id", "id000000" + std::to_string(i)},
                     {"type", "function"},
                     {"function",
                      {{"name", "find_place"},
                       {"arguments", in_string ? Json(arguments.dump()) : arguments}}}});
  }
  return {{"role", "assistant"},
          {"content", content},
          {"reasoning_content", "Where is it?"},
          {"tool_calls", calls}};
}

bool shows_call(const std::optional<Written>& written) {
  return written && written->text.find("find_place") != std::string::npos &&
         written->text.find("\\\"query") == std::string::npos;
}

std::optional<Written> written_calls(const Template& chat_template, int n_calls) {
  for (const bool in_string : {false, true}) {
    for (const Json& content : {Json(""), Json(nullptr)}) {
      const auto written = chat_template.answer(call_message(in_string, content, n_calls));
      if (shows_call(written)) return written;
    }
  }
  return std::nullopt;
}

void check(const Template& chat_template, const Written& written, size_t n_calls) {
  SCOPED_TRACE(chat_template.format().name + ": " + written.text);
  const ToolSet tools = ToolSet::from_json(kTools).value();
  const bool in_reasoning = chat_template.format().opens_reasoning(written.prompt);
  const ReadAnswer answer = read_answer(chat_template.format(), tools, written.text, in_reasoning);
  ASSERT_EQ(answer.calls.size(), n_calls) << "content: " << answer.content;
  for (const auto& call : answer.calls) {
    EXPECT_EQ(call.name, "find_place");
    EXPECT_EQ(nlohmann::json::parse(call.arguments, nullptr, false),
              nlohmann::json::parse(kArguments))
        << call.arguments;
  }
  EXPECT_EQ(answer.content, "");
  if (written.text.find("Where is it?") != std::string::npos) {
    EXPECT_EQ(answer.reasoning, "Where is it?");
  }
}

TEST(AnswerTemplateTest, calls_come_back_from_every_template) {
  const std::filesystem::path folder(HEARTH_SHARED_DATA "/chat-templates");
  if (!std::filesystem::is_directory(folder)) {
    GTEST_SKIP() << "no chat templates: " << folder << " is not a folder";
  }
  int n_read = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".jinja") continue;
    SCOPED_TRACE(entry.path().filename().string());
    const Template chat_template(entry.path());
    for (const size_t n_calls : {1, 2}) {
      const auto written = written_calls(chat_template, static_cast<int>(n_calls));
      if (!written) continue;
      const size_t n_written = written->text.find("find_place", written->text.find("find_place") +
                                                                    10) == std::string::npos
                                   ? 1
                                   : n_calls;
      check(chat_template, *written, n_written);
      ++n_read;
    }
    std::printf("%s: %s%s, reasoning %s\n", entry.path().filename().c_str(),
                chat_template.format().name.c_str(),
                chat_template.format().is_native ? "" : " (guess)",
                chat_template.format().reasoning_open.c_str());
  }
  std::printf("%d answers read\n", n_read);
  EXPECT_GT(n_read, 0);
}

}  // namespace
}  // namespace hearth::text
