#include "text/chat_template.h"

#include <limits>
#include <utility>

#include "base/check.h"
#include "hearth_rust/template.h"
#include "text/rust_text.h"

namespace hearth::text {
namespace {

ErrorCode code_of(HearthTemplateStatus status) {
  switch (status) {
    case kHearthTemplateSyntax: return ErrorCode::kInvalidFile;
    case kHearthTemplateLimit: return ErrorCode::kLimitExceeded;
    case kHearthTemplateInternal: return ErrorCode::kUnsupported;
    default: return ErrorCode::kInvalidArgument;
  }
}

}  // namespace

struct ChatTemplate::Compiled {
  explicit Compiled(HearthTemplate* compiled) : handle(compiled) {}
  Compiled(const Compiled&) = delete;
  Compiled& operator=(const Compiled&) = delete;
  ~Compiled() { hearth_template_free(handle); }

  HearthTemplate* handle;
};

ChatTemplate::ChatTemplate(std::unique_ptr<Compiled> compiled) : compiled_(std::move(compiled)) {}
ChatTemplate::ChatTemplate(ChatTemplate&&) noexcept = default;
ChatTemplate& ChatTemplate::operator=(ChatTemplate&&) noexcept = default;
ChatTemplate::~ChatTemplate() = default;

Result<ChatTemplate> ChatTemplate::compile(std::string_view source) {
  HearthTemplate* handle = nullptr;
  RustText message;
  const HearthTemplateStatus status =
      hearth_template_compile(rust_bytes(source).data, source.size(), &handle, message.out());
  if (status != kHearthTemplateOk) {
    return fail_at("chat template", Error{code_of(status), message.str()});
  }
  return ChatTemplate(std::make_unique<Compiled>(handle));
}

Result<std::string> ChatTemplate::render(std::string_view variables_json,
                                         const TemplateLimits& limits) const {
  CHECK(compiled_ != nullptr);
  const HearthTemplateLimits bounds{
      .time_ms = limits.time_ms,
      .output_bytes = limits.output_bytes,
      .fuel = limits.fuel,
      .memory_bytes = limits.memory_bytes,
      .now = limits.now.value_or(std::numeric_limits<int64_t>::min()),
  };
  RustText text;
  const HearthTemplateStatus status =
      hearth_template_render(compiled_->handle, rust_bytes(variables_json).data,
                             variables_json.size(), &bounds, text.out());
  if (status != kHearthTemplateOk) return fail(code_of(status), text.str());
  return text.str();
}

}  // namespace hearth::text
