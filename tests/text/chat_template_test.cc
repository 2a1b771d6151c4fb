#include "text/chat_template.h"

#include <gtest/gtest.h>

#include <string>

namespace hearth::text {
namespace {

Result<std::string> render(std::string_view source, std::string_view variables = "{}") {
  const auto compiled = ChatTemplate::compile(source);
  if (!compiled) return std::unexpected(compiled.error());
  return compiled->render(variables);
}

TEST(ChatTemplateTest, TurnsMessagesIntoThePrompt) {
  const auto prompt = render(
      "{% for m in messages %}\n<|{{ m.role }}|>{{ m['content'] | trim }}\n{% endfor %}\n"
      "{%- if add_generation_prompt %}<|assistant|>{% endif %}",
      R"({"messages": [{"role": "user", "content": " hi "}], "add_generation_prompt": true})");
  ASSERT_TRUE(prompt) << prompt.error().message;
  EXPECT_EQ(*prompt, "<|user|>hi\n<|assistant|>");
}

TEST(ChatTemplateTest, ExceptionOfTheTemplateIsItsMessageExactly) {
  const auto prompt = render("{{ raise_exception('No \"tools\", please') }}");
  ASSERT_FALSE(prompt);
  EXPECT_EQ(prompt.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(prompt.error().message, "No \"tools\", please");
}

TEST(ChatTemplateTest, SourceThatDoesNotCompileNamesItsLine) {
  const auto prompt = render("a\nb {% if %}");
  ASSERT_FALSE(prompt);
  EXPECT_EQ(prompt.error().code, ErrorCode::kInvalidFile);
  EXPECT_NE(prompt.error().message.find("line 2"), std::string::npos) << prompt.error().message;
}

TEST(ChatTemplateTest, ObjectsWithoutATextAreWrittenWithoutTheirAddress) {
  for (const char* expression : {"{}.items", "cycler(1)", "joiner()", "[1] | map('upper')"}) {
    const auto prompt = render("{{ " + std::string(expression) + " }}");
    ASSERT_TRUE(prompt) << prompt.error().message;
    EXPECT_TRUE(prompt->ends_with(" at 0x0>")) << *prompt;
  }
}

TEST(ChatTemplateTest, VariablesThatAreNoObjectAreTheCallersError) {
  for (const char* variables : {"", "[]", "{", "{\"a\": 1,}", "{\"a\": \"\x01\"}", "\xff"}) {
    const auto prompt = render("x", variables);
    ASSERT_FALSE(prompt) << variables;
    EXPECT_EQ(prompt.error().code, ErrorCode::kInvalidArgument) << variables;
  }
}

}  // namespace
}  // namespace hearth::text
