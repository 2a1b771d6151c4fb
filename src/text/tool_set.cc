#include "text/tool_set.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>

namespace hearth::text {
namespace {

using Json = nlohmann::ordered_json;
constexpr size_t kMaxBytes = 4u << 20;
constexpr size_t kMaxTools = 1000;
constexpr size_t kMaxDepth = 128;
constexpr size_t kMaxNameBytes = 256;

// Of brackets outside strings; an upper bound where the text is not JSON.
size_t depth_of(std::string_view json) {
  size_t depth = 0, most = 0;
  bool in_string = false;
  for (size_t i = 0; i < json.size(); ++i) {
    const char byte = json[i];
    if (in_string && byte == '\\') ++i;
    if (byte == '"') in_string = !in_string;
    if (in_string) continue;
    if (byte == '{' || byte == '[') most = std::max(most, ++depth);
    if ((byte == '}' || byte == ']') && depth > 0) --depth;
  }
  return most;
}

std::string type_name(const Json& value) {
  return value.is_number() ? "number" : value.is_boolean() ? "boolean" : value.type_name();
}

// The names of the types that a schema names, at its top and in its alternatives.
void collect_types(const Json& schema, std::set<std::string>& types) {
  if (!schema.is_object()) return;
  for (const auto& [key, part] : schema.items()) {
    if (key == "type" && part.is_string()) types.insert(part.get<std::string>());
    if (key == "const") types.insert(type_name(part));
    if (!part.is_array()) continue;
    for (const Json& item : part) {
      if (key == "type" && item.is_string()) types.insert(item.get<std::string>());
      if (key == "enum") types.insert(type_name(item));
      if (key == "anyOf" || key == "oneOf") collect_types(item, types);
    }
  }
}

ArgumentType argument_type(const Json& schema) {
  std::set<std::string> types;
  collect_types(schema, types);
  if (types.contains("string")) {
    return types.contains("null") ? ArgumentType::kTextOrNull : ArgumentType::kText;
  }
  return types.empty() ? ArgumentType::kText : ArgumentType::kValue;
}

}  // namespace

Result<ToolSet> ToolSet::from_json(std::string_view tools) {
  if (tools.size() > kMaxBytes || depth_of(tools) > kMaxDepth) {
    return fail(ErrorCode::kLimitExceeded,
                fmt::format("the tools have {} bytes; at most {} bytes and {} levels are taken",
                            tools.size(), kMaxBytes, kMaxDepth));
  }
  const Json list = Json::parse(tools, nullptr, false);
  if (!list.is_array()) return fail(ErrorCode::kInvalidArgument, "tools: not a JSON array");
  if (list.size() > kMaxTools) {
    return fail(ErrorCode::kLimitExceeded,
                fmt::format("{} tools, at most {} are taken", list.size(), kMaxTools));
  }
  ToolSet set;
  for (size_t i = 0; i < list.size(); ++i) {
    const Json& entry = list[i];
    const bool is_wrapped = entry.is_object() && entry.contains("function");
    const Json& function = is_wrapped ? entry["function"] : entry;
    if (!function.is_object() || !function.contains("name") || !function["name"].is_string()) {
      return fail(ErrorCode::kInvalidArgument, fmt::format("tools[{}] has no name", i));
    }
    const auto name = function["name"].get<std::string>();
    if (name.empty() || name.size() > kMaxNameBytes) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("tools[{}]: a name has 1 to {} bytes", i, kMaxNameBytes));
    }
    const Json parameters = function.value("parameters", Json::object());
    Arguments arguments;
    if (parameters.is_object() && parameters.contains("properties")) {
      for (const auto& [key, schema] : parameters["properties"].items()) {
        arguments[key] = argument_type(schema);
      }
    }
    if (!set.tools_.emplace(name, std::move(arguments)).second) {
      return fail(ErrorCode::kInvalidArgument, fmt::format("tools[{}]: \"{}\" again", i, name));
    }
  }
  return set;
}

ArgumentType ToolSet::type(std::string_view tool, std::string_view argument) const {
  const auto found = tools_.find(tool);
  if (found == tools_.end()) return ArgumentType::kText;
  const auto known = found->second.find(argument);
  return known == found->second.end() ? ArgumentType::kText : known->second;
}

}  // namespace hearth::text
