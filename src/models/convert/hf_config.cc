#include "models/convert/hf_config.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/mapped_file.h"
#include "gguf/quote.h"

namespace hearth::models {
namespace {

using nlohmann::json;
constexpr size_t kMaxFileBytes = 64u << 20;
constexpr int kMaxDepth = 64;

// Refuses nesting that would make later recursive walks deep.
bool is_too_deep(int depth, json::parse_event_t, json&) { return depth <= kMaxDepth; }

std::string shown(const json& value) {
  return gguf::quote(value.dump(-1, ' ', true, json::error_handler_t::replace));
}

}  // namespace

Result<HfConfig> HfConfig::read(const std::string& path) {
  const std::string name = std::filesystem::path(path).filename();
  std::error_code error;
  if (!std::filesystem::exists(path, error))
    return fail(ErrorCode::kNotFound, fmt::format("{}: no such file", path));
  const MappedFile file = TRY(MappedFile::open(path));
  const auto bytes = file.bytes();
  if (bytes.size() > kMaxFileBytes)
    return fail(ErrorCode::kInvalidFile, fmt::format("{} has {} bytes, expected at most {}", path,
                                                     bytes.size(), kMaxFileBytes));
  const auto* text = reinterpret_cast<const char*>(bytes.data());
  auto parsed = std::make_shared<json>(
      json::parse(text, text + bytes.size(), is_too_deep, /*allow_exceptions=*/false));
  if (!parsed->is_object())
    return fail(ErrorCode::kInvalidFile, fmt::format("{}: expected a JSON object", path));
  return HfConfig(std::move(parsed), name);
}

HfConfig HfConfig::empty() { return {std::make_shared<json>(json::object()), "config"}; }

const json* HfConfig::find(std::string_view key) const {
  const auto it = json_->find(key);
  return it == json_->end() || it->is_null() ? nullptr : &*it;
}

bool HfConfig::has(std::string_view key) const { return find(key) != nullptr; }

std::vector<std::string> HfConfig::keys() const {
  std::vector<std::string> result;
  for (auto it = json_->begin(); it != json_->end(); ++it) result.push_back(it.key());
  return result;
}

Result<const json*> HfConfig::require(std::string_view key) const {
  if (const json* value = find(key)) return value;
  return fail(ErrorCode::kInvalidFile, fmt::format("{}: '{}' is missing", where_, key));
}

std::unexpected<Error> HfConfig::wrong(std::string_view key, const json& found,
                                       const std::string& expected) const {
  return fail(ErrorCode::kInvalidFile,
              fmt::format("{}: '{}' is {}, expected {}", where_, key, shown(found), expected));
}

Result<int64_t> HfConfig::integer(std::string_view key, int64_t least, int64_t most) const {
  const json* value = TRY(require(key));
  const bool fits = value->is_number_integer() &&
                    !(value->is_number_unsigned() && value->get<uint64_t>() > INT64_MAX);
  if (!fits || value->get<int64_t>() < least || value->get<int64_t>() > most)
    return wrong(key, *value, fmt::format("an integer from {} to {}", least, most));
  return value->get<int64_t>();
}

Result<int64_t> HfConfig::integer_or(std::string_view key, int64_t least, int64_t most,
                                     int64_t fallback) const {
  if (!has(key)) return fallback;
  return integer(key, least, most);
}

Result<double> HfConfig::number(std::string_view key, double least, double most) const {
  const json* value = TRY(require(key));
  const double number = value->is_number() ? value->get<double>() : std::nan("");
  if (!(number >= least && number <= most))
    return wrong(key, *value, fmt::format("a number from {} to {}", least, most));
  return number;
}

Result<double> HfConfig::number_or(std::string_view key, double least, double most,
                                   double fallback) const {
  if (!has(key)) return fallback;
  return number(key, least, most);
}

Result<bool> HfConfig::flag_or(std::string_view key, bool fallback) const {
  const json* value = find(key);
  if (!value) return fallback;
  if (!value->is_boolean()) return wrong(key, *value, "true or false");
  return value->get<bool>();
}

Result<std::string> HfConfig::text(std::string_view key) const {
  const json* value = TRY(require(key));
  if (!value->is_string()) return wrong(key, *value, "a string");
  return value->get<std::string>();
}

Result<std::string> HfConfig::text_or(std::string_view key, std::string fallback) const {
  if (!has(key)) return fallback;
  return text(key);
}

Result<std::vector<std::string>> HfConfig::texts(std::string_view key) const {
  const json* value = TRY(require(key));
  std::vector<std::string> result;
  if (!value->is_array()) return wrong(key, *value, "a list of strings");
  for (const json& item : *value) {
    if (!item.is_string()) return wrong(key, item, "strings in the list");
    result.push_back(item.get<std::string>());
  }
  return result;
}

Result<std::vector<float>> HfConfig::numbers(std::string_view key) const {
  const json* value = TRY(require(key));
  std::vector<float> result;
  if (!value->is_array()) return wrong(key, *value, "a list of numbers");
  for (const json& item : *value) {
    if (!item.is_number()) return wrong(key, item, "numbers in the list");
    result.push_back(item.get<float>());
  }
  return result;
}

Result<HfConfig> HfConfig::object(std::string_view key) const {
  const json* value = find(key);
  if (!value) return fail(ErrorCode::kNotFound, fmt::format("{}: '{}' is missing", where_, key));
  if (!value->is_object()) return wrong(key, *value, "an object");
  return HfConfig(std::shared_ptr<const json>(json_, value), fmt::format("{}: {}", where_, key));
}

Result<void> HfConfig::require_text(std::string_view key,
                                    std::span<const std::string_view> known) const {
  if (!has(key)) return {};
  const std::string found = TRY(text(key));
  if (std::ranges::find(known, found) != known.end()) return {};
  return fail(ErrorCode::kUnsupported,
              fmt::format("{}: '{}' is {}, which Hearth does not know; expected {}", where_, key,
                          gguf::quote(found), fmt::join(known, " or ")));
}

Result<void> HfConfig::require_flag(std::string_view key, bool wanted) const {
  if (TRY(flag_or(key, wanted)) == wanted) return {};
  return fail(ErrorCode::kUnsupported,
              fmt::format("{}: '{}' is {}, which Hearth does not support", where_, key, !wanted));
}

}  // namespace hearth::models
