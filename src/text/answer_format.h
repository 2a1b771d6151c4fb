// How a model writes reasoning and tool calls in its raw answer: found from its chat template, read
// by AnswerParser.
//
// A format is data: the marks around each part, and one of a few ways to write a call between them.
// A new model is a row of the table in answer_format.cc.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "text/chat_template.h"

namespace hearth::text {

enum class CallStyle {
  kJson,       // {"name": .., "arguments": {..}}, several of them, or an array
  kNamedJson,  // NAME mark {arguments}
  kTagged,     // NAME mark, then each argument between marks of its own
  kPython,     // [name(key=value, ..), ..]
  kGemma,      // call:name{key:value, ..}, strings between <|"|> marks
};

// The marks that a format lacks are empty. Whitespace between marks is free.
struct CallMarks {
  CallStyle style = CallStyle::kJson;
  std::string section_open = {}, section_close = {};  // around all calls
  // The calls may come without section_open.
  bool may_lack_section = false;
  // JSON calls also stand alone where an answer begins, with no mark at all.
  bool may_be_bare = false;
  // kJson: {NAME: {arguments}}.
  bool name_is_key = false;

  // kNamedJson and kTagged: around one call, and after its name. Without name_end a name ends
  // before whitespace or '<'. What stands in the name from name_cut on is no part of it.
  std::string call_open = {}, call_close = {}, name_end = {}, name_cut = {};

  // kTagged: an argument is key_open NAME value_open VALUE value_close; from key_cut on the name is
  // attributes (string="false", type="number").
  std::string key_open = {}, key_cut = {}, value_open = {}, value_close = {};
  std::string text_open = {}, text_close = {};  // may stand around a value
  bool pads_values = false;                     // a line break stands before and after each value
};

// Messages with headers, as Harmony's channels: open HEADER end TEXT close. The answer begins
// within a header.
struct HeaderMarks {
  std::vector<std::string> open = {};  // none: no headers
  std::string end = {}, close = {};
  std::string reasoning = {};  // in the header of reasoning
  std::string content = {};    // the whole header of content; empty: whatever is nothing else
  std::string call = {};       // in the header of a call, before its name
  bool calls_by_name = false;  // a header is the name of the tool
};

struct AnswerFormat {
  std::string name;  // "hermes", "mistral-args": of the table's row, or "found"
  CallMarks calls;
  HeaderMarks headers;
  std::string reasoning_open, reasoning_close;  // empty: the model does not reason in marks
  std::vector<std::string> ignored;             // marks around content that say nothing
  // The template itself writes calls in this way; else it is a guess that suits most models.
  bool is_native = false;

  // From the source and from how it renders a probe: an assistant's message with a known tool call
  // and known reasoning. Never fails: a template that shows nothing gets "hermes". Takes the time
  // of some twenty renderings.
  static AnswerFormat of(std::string_view source, const ChatTemplate& chat_template);

  // A row of the table by its name, or null.
  static const AnswerFormat* find(std::string_view name);
  static const std::vector<AnswerFormat>& table();

  // The rendered prompt ends where reasoning has begun: the answer goes on with it.
  bool opens_reasoning(std::string_view prompt) const;

  // Texts that the parser must see even where they are control tokens, whose names the stream
  // decoder drops (StreamDecoder::Options::shown). Formats whose marks are control tokens, and so
  // need this: command-r7b, deepseek-*, gemma-4, gigachat, granite, harmony, kimi-*, lfm2, llama-3,
  // mistral-*, muse, phi-4, apertus.
  std::vector<std::string> marks() const;
};

}  // namespace hearth::text
