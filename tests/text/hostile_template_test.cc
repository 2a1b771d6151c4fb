// Templates that try to use up the machine, or to reach out of the sandbox.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "text/chat_template.h"

namespace hearth::text {
namespace {

constexpr uint32_t kPatientMs = 60'000;  // so that another bound than the clock must stop it

constexpr std::string_view kVariables =
    R"({"messages": [{"role": "user", "content": "x"}], "add_generation_prompt": true})";

Result<std::string> render(std::string_view source) {
  const auto compiled = TRY(ChatTemplate::compile(source));
  TemplateLimits limits;
  limits.time_ms = kPatientMs;
  return compiled.render(kVariables, limits);
}

std::string repeat(std::string_view piece, size_t n) {
  std::string text;
  for (size_t i = 0; i < n; ++i) text += piece;
  return text;
}

void expect_limit(const std::string& source) {
  const auto rendered = render(source);
  ASSERT_FALSE(rendered) << source.substr(0, 100);
  EXPECT_EQ(rendered.error().code, ErrorCode::kLimitExceeded)
      << source.substr(0, 100) << ": " << rendered.error().message;
}

TEST(HostileTemplateTest, RangesAsLargeAsTheSandboxForbidsAreNotBuilt) {
  for (const char* source : {"{{ range(1000000000) }}", "{{ range(1000000000) | list }}",
                             "{% for i in range(1000000000) %}x{% endfor %}"}) {
    const auto rendered = render(source);
    ASSERT_FALSE(rendered) << source;
    EXPECT_NE(rendered.error().message.find("Range too big"), std::string::npos) << source;
  }
}

TEST(HostileTemplateTest, EndlessRecursionIsStopped) {
  expect_limit("{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}");
  expect_limit(
      "{% macro a(x) %}{{ b(x) }}{% endmacro %}{% macro b(x) %}{{ a(x) }}{% endmacro %}{{ a(1) }}");
  expect_limit("{% for x in [[1]] recursive %}{{ loop([[1]]) }}{% endfor %}");
}

TEST(HostileTemplateTest, HugeValuesAreNotBuilt) {
  for (const char* expression :
       {"'-' * 10**10", "[0] * 10**10", "'x' | indent(10**10, true)", "'x' | center(10**10)",
        "'x'.center(10**10)", "'x'.ljust(10**10)", "'x'.zfill(10**10)", "'\\t'.expandtabs(10**10)",
        "{'a': 1} | tojson(indent=10**10)", "'%*d' % (10**10, 1)", "10**10**10",
        "('a' * 1000000).replace('a', 'b' * 1000000)",
        "'a' | replace('', 'b' * 1000000) | replace('b', 'c' * 1000000)",
        "('ab' * 1000000).split('a') | join('c' * 1000000)", "[1] | batch(10**10, 0) | list",
        "[1] | slice(10**10) | list"}) {
    expect_limit("{{ " + std::string(expression) + " }}");
  }
}

TEST(HostileTemplateTest, GrowthOverALoopIsStopped) {
  const std::string growth =
      "{% set n = namespace(s=V) %}{% for i in range(100000) %}{% set n.s = ";
  const auto grow = [&](std::string_view start, std::string_view next) {
    std::string source = growth;
    source.replace(source.find('V'), 1, start);
    expect_limit(source + std::string(next) + " %}{% endfor %}{{ n.s }}");
  };
  grow("'x'", "n.s + n.s");
  grow("[1]", "n.s + n.s");
  grow("[]", "[n.s]");
}

TEST(HostileTemplateTest, WorkIsBoundedWithoutTheClock) {
  expect_limit("{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}");
}

TEST(HostileTemplateTest, TimeIsBoundedWithoutTheFuel) {
  const auto compiled = ChatTemplate::compile(
      "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}");
  ASSERT_TRUE(compiled);
  TemplateLimits limits;
  limits.time_ms = 1;
  limits.fuel = UINT64_MAX;
  const auto rendered = compiled->render(kVariables, limits);
  ASSERT_FALSE(rendered);
  EXPECT_EQ(rendered.error().code, ErrorCode::kLimitExceeded);
}

TEST(HostileTemplateTest, OutputIsBounded) {
  expect_limit("{{ '-' * 10000000 }}");
  expect_limit("{% set x = '-' * 1000 %}{% for i in range(10000) %}{{ x }}{% endfor %}");
}

TEST(HostileTemplateTest, NestingOfTheSourceIsBounded) {
  const std::vector<std::string> sources = {
      "{{ " + repeat("(", 4000) + "1" + repeat(")", 4000) + " }}",
      "{{ " + repeat("[", 4000) + repeat("]", 4000) + " }}",
      "{{ " + repeat("(", 60000) + "1" + repeat(")", 60000) + " }}",
      "{{ " + repeat("-", 8000) + "1 }}",
      "{{ " + repeat("not ", 8000) + "1 }}",
      "{{ a" + repeat(".a", 4000) + " }}",
      "{{ []" + repeat("|list", 4000) + " }}",
      "{{ 1" + repeat("+1", 4000) + " }}",
      "{{ 1" + repeat(" if 1 else 1", 2000) + " }}",
      "{{ x" + repeat("()", 2500) + " }}",
      repeat("{% if 1 %}", 5000) + repeat("{% endif %}", 5000),
      repeat("{% if 1 %}", 20000),
      "{% if 0 %}" + repeat("{% elif 0 %}", 50000) + "{% endif %}",
  };
  for (const std::string& source : sources) {
    EXPECT_FALSE(ChatTemplate::compile(source)) << source.substr(0, 60);
  }
}

TEST(HostileTemplateTest, NothingIsReachableThroughAttributes) {
  for (const char* expression : {
           "''.__class__.__mro__[1].__subclasses__()",
           "cycler.__init__.__globals__.os.popen('id').read()",
           "joiner.__init__.__globals__['os']",
           "namespace.__init__.__globals__.os",
           "lipsum.__globals__['os'].popen('id').read()",
           "self.__init__.__globals__.__builtins__.open('/etc/passwd').read()",
           "self._TemplateReference__context",
           "request.application.__globals__",
           "config.items()",
           "url_for.__globals__",
           "''['__class__']['__mro__']",
           "''|attr('__class__')|attr('__mro__')",
           "''|attr('\\x5f\\x5fclass\\x5f\\x5f')|attr('__mro__')",
           "[].__class__.__base__.__subclasses__()",
           "().__class__.__bases__[0]",
           "{}.__class__.__mro__",
           "(1).__class__.__mro__",
           "raise_exception.__code__.co_consts",
           "raise_exception.__globals__",
           "strftime_now.__globals__",
           "range.__class__.__mro__",
           "dict.__init__.__globals__",
           "'{0.__class__.__mro__}'.format('')",
           "'{x.__class__.__mro__}'.format_map({'x': ''})",
           "'{0.__class__.__init__.__globals__}'.format(messages)",
           "'%s' | format(''.__class__.__mro__)",
           "[''] | map(attribute='__class__.__mro__') | first",
           "[''] | map('attr', '__class__') | map('attr', '__mro__') | first",
           "[''] | sum(attribute='__class__')",
           "[''] | groupby('__class__.__mro__')",
           "''.format.__self__.__class__.__mro__",
           "__import__('os').system('id')",
           "open('/etc/passwd').read()",
           "eval('1')",
           "globals()",
       }) {
    const auto rendered = render("{{ " + std::string(expression) + " }}");
    EXPECT_TRUE(!rendered || rendered->empty()) << expression << " gives " << *rendered;
  }
}

TEST(HostileTemplateTest, WhatAForbiddenAttributeHasIsAnError) {
  for (const char* expression :
       {"{}.__class__.__mro__", "range.__class__.__mro__", "dict.__init__.__globals__",
        "'{0.__class__.__mro__}'.format('')", "url_for.__globals__"}) {
    const auto rendered = render("{{ " + std::string(expression) + " }}");
    ASSERT_FALSE(rendered) << expression;
    EXPECT_EQ(rendered.error().code, ErrorCode::kInvalidArgument) << expression;
  }
}

TEST(HostileTemplateTest, MessagesCannotBeChanged) {
  for (const char* call : {"messages.append(1)", "messages.clear()", "messages[0].update({'a': 1})",
                           "messages[0].pop('role')", "messages.__setitem__(0, 1)"}) {
    const auto rendered = render("{% set x = " + std::string(call) + " %}");
    ASSERT_FALSE(rendered) << call;
    EXPECT_EQ(rendered.error().code, ErrorCode::kInvalidArgument) << call;
  }
}

TEST(HostileTemplateTest, FilesAreNotLoaded) {
  for (const char* tag : {"{% include '/etc/passwd' %}", "{% import '/etc/passwd' as x %}",
                          "{% extends '/etc/passwd' %}"}) {
    EXPECT_FALSE(render(tag)) << tag;
  }
}

}  // namespace
}  // namespace hearth::text
