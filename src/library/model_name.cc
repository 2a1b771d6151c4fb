#include "library/model_name.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/utf8.h"

namespace hearth::library {
namespace {

constexpr std::string_view kDefaultHost = "local";
constexpr std::string_view kDefaultNamespace = "library";
constexpr std::string_view kDefaultTag = "latest";
constexpr size_t kMaxPartBytes = 80;

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_part(std::string_view part) {
  return !part.empty() && part.size() <= kMaxPartBytes && is_alphanumeric(part.front()) &&
         !part.ends_with(".part") && std::ranges::all_of(part, [](char c) {
           return is_alphanumeric(c) || c == '.' || c == '_' || c == '-';
         });
}

bool is_host(std::string_view host) {
  const size_t colon = host.find(':');
  if (colon == std::string_view::npos) return is_part(host);
  const std::string_view port = host.substr(colon + 1);
  return is_part(host.substr(0, colon)) && !port.empty() && port.size() <= 5 &&
         std::ranges::all_of(port, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

Result<ModelName> ModelName::parse(std::string_view text) {
  ModelName name;
  std::string_view rest = text;
  const size_t last_slash = rest.rfind('/');
  const size_t colon = rest.rfind(':');
  const bool has_tag = colon != std::string_view::npos &&
                       (last_slash == std::string_view::npos || colon > last_slash);
  name.tag_ = has_tag ? rest.substr(colon + 1) : kDefaultTag;
  if (has_tag) rest = rest.substr(0, colon);

  const auto take_last = [&rest](std::string_view fallback) {
    const size_t slash = rest.rfind('/');
    if (rest.empty()) return std::string(fallback);
    std::string part(slash == std::string_view::npos ? rest : rest.substr(slash + 1));
    rest = slash == std::string_view::npos ? std::string_view() : rest.substr(0, slash);
    return part;
  };
  name.model_ = take_last("");
  name.namespace_ = take_last(kDefaultNamespace);
  name.host_ = rest.empty() ? kDefaultHost : rest;

  if (text.starts_with("/") || !is_part(name.model_) || !is_part(name.namespace_) ||
      !is_part(name.tag_) || !is_host(name.host_)) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format(
            "'{}' is no model name; one is [[host/]namespace/]model[:tag], its parts of letters, "
            "digits, '.', '_' and '-'",
            replace_invalid_utf8(text.substr(0, 200))));
  }
  return name;
}

std::string ModelName::text() const {
  std::string out;
  if (host_ != kDefaultHost) out += host_ + "/";
  if (!out.empty() || namespace_ != kDefaultNamespace) out += namespace_ + "/";
  out += model_;
  return tag_ == kDefaultTag ? out : out + ":" + tag_;
}

std::string ModelName::folder() const { return host_ + "/" + namespace_ + "/" + model_; }

}  // namespace hearth::library
