// A model's own Jinja chat template, rendered as Python's jinja2 does with transformers' settings
// (trim_blocks, lstrip_blocks, loop controls, ImmutableSandboxedEnvironment).
// Templates are hostile input: work, recursion, output and time are bounded (faults:
// kLimitExceeded).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace hearth::text {

struct TemplateLimits {
  uint32_t time_ms = 250;
  uint64_t output_bytes = 8u << 20;
  uint64_t fuel = 20'000'000;         // evaluation steps
  uint64_t memory_bytes = 24u << 20;  // live values, beside the variables given
  std::optional<int64_t> now;         // for strftime_now, seconds since 1970; else the wall clock
};

class ChatTemplate {
 public:
  // kInvalidFile with line and reason if the source does not compile.
  static Result<ChatTemplate> compile(std::string_view source);
  ChatTemplate(ChatTemplate&&) noexcept;
  ChatTemplate& operator=(ChatTemplate&&) noexcept;
  ~ChatTemplate();

  // variables_json: an object with `messages` and optionally `tools`, `add_generation_prompt`,
  // `bos_token`, `eos_token` and any further variables. A raise_exception() of the template is
  // kInvalidArgument with its message. Any thread.
  Result<std::string> render(std::string_view variables_json,
                             const TemplateLimits& limits = {}) const;

 private:
  struct Compiled;
  explicit ChatTemplate(std::unique_ptr<Compiled> compiled);
  std::unique_ptr<Compiled> compiled_;
};

}  // namespace hearth::text
