// Any chat template compiles or is refused, and renders any conversation within its bounds.
// Input: a template's source, then, after its first byte 0, the variables as JSON. Without a 0 a
// small conversation with a tool call stands in.
#include <string_view>

#include "base/check.h"
#include "base/utf8.h"
#include "text/chat_template.h"

namespace {

using hearth::ErrorCode;
using hearth::text::ChatTemplate;

// Small, so that a bomb ends long before libFuzzer's patience does; the date is fixed.
constexpr hearth::text::TemplateLimits kLimits{.time_ms = 1000,
                                               .output_bytes = 64 << 10,
                                               .fuel = 200'000,
                                               .memory_bytes = 4 << 20,
                                               .now = 1'700'000'000};

constexpr std::string_view kConversation = R"({
  "messages": [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "What is \"it\"?\n"},
    {"role": "assistant", "content": null, "tool_calls": [{"id": "a1", "type": "function",
     "function": {"name": "look", "arguments": {"at": [1, 2.5, true, null], "what": "caf\u00e9"}}}]},
    {"role": "tool", "tool_call_id": "a1", "name": "look", "content": "{}"},
    {"role": "user", "content": [{"type": "text", "text": "So?"}]}
  ],
  "tools": [{"type": "function", "function": {"name": "look", "description": "Looks.",
   "parameters": {"type": "object", "properties": {"what": {"type": "string"}}}}}],
  "add_generation_prompt": true, "bos_token": "<s>", "eos_token": "</s>"})";

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t end = input.find('\0');
  const auto compiled = ChatTemplate::compile(input.substr(0, end));
  if (!compiled) {
    CHECK(!compiled.error().message.empty());
    return 0;
  }
  const auto variables =
      end == std::string_view::npos ? kConversation : input.substr(std::min(end + 1, size));
  const auto rendered = compiled->render(variables, kLimits);
  if (!rendered) {
    CHECK(rendered.error().code == ErrorCode::kInvalidArgument ||
          rendered.error().code == ErrorCode::kLimitExceeded);
    return 0;
  }
  CHECK(rendered->size() <= kLimits.output_bytes);
  CHECK(hearth::find_invalid_utf8(*rendered) == std::string_view::npos);
  const auto again = compiled->render(variables, kLimits);
  CHECK(again && *again == *rendered);
  return 0;
}
