// Whether a JSON value meets a JSON schema, for the keywords that constraint_test.cc uses: plain
// code to hold the grammar engine against. Patterns are POSIX extended ones.
#pragma once

#include <regex.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>

namespace hearth::text {

using Json = nlohmann::ordered_json;

inline bool has_type(const Json& value, const std::string& type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_boolean();
  if (type == "null") return value.is_null();
  if (type == "number") return value.is_number();
  return type == "integer" && value.is_number() &&
         std::floor(value.get<double>()) == value.get<double>();
}

inline size_t n_characters(const std::string& text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

inline bool has_match(const std::string& text, const std::string& pattern) {
  regex_t compiled;
  if (regcomp(&compiled, pattern.c_str(), REG_EXTENDED | REG_NOSUB) != 0) return false;
  const bool is_found = regexec(&compiled, text.c_str(), 0, nullptr, 0) == 0;
  regfree(&compiled);
  return is_found;
}

inline bool meets(const Json& value, const Json& schema, const Json& root);

inline bool meets_object(const Json& value, const Json& schema, const Json& root) {
  for (const Json& name : schema.value("required", Json::array())) {
    if (!value.contains(name.get<std::string>())) return false;
  }
  const Json properties = schema.value("properties", Json::object());
  const Json patterns = schema.value("patternProperties", Json::object());
  for (const auto& [name, member] : value.items()) {
    bool is_named = properties.contains(name);
    if (is_named && !meets(member, properties[name], root)) return false;
    for (const auto& [pattern, part] : patterns.items()) {
      if (!has_match(name, pattern)) continue;
      is_named = true;
      if (!meets(member, part, root)) return false;
    }
    if (!is_named && schema.contains("additionalProperties") &&
        !meets(member, schema["additionalProperties"], root)) {
      return false;
    }
  }
  return true;
}

inline bool meets_array(const Json& value, const Json& schema, const Json& root) {
  if (value.size() < schema.value("minItems", size_t{0})) return false;
  if (value.size() > schema.value("maxItems", SIZE_MAX)) return false;
  const Json prefix = schema.value("prefixItems", Json::array());
  for (size_t i = 0; i < value.size(); ++i) {
    if (i < prefix.size()) {
      if (!meets(value[i], prefix[i], root)) return false;
    } else if (schema.contains("items") && !meets(value[i], schema["items"], root)) {
      return false;
    }
  }
  return true;
}

inline bool meets_number(double value, const Json& schema) {
  const auto bound = [&](const char* key, double none) { return schema.value(key, none); };
  if (value < bound("minimum", -INFINITY) || value > bound("maximum", INFINITY)) return false;
  if (value <= bound("exclusiveMinimum", -INFINITY)) return false;
  if (value >= bound("exclusiveMaximum", INFINITY)) return false;
  return !schema.contains("multipleOf") ||
         std::fmod(value, schema["multipleOf"].get<double>()) == 0;
}

inline bool meets_string(const std::string& value, const Json& schema) {
  const size_t n = n_characters(value);
  if (n < schema.value("minLength", size_t{0}) || n > schema.value("maxLength", SIZE_MAX)) {
    return false;
  }
  return !schema.contains("pattern") || has_match(value, schema["pattern"]);
}

inline bool meets(const Json& value, const Json& schema, const Json& root) {
  if (schema.is_boolean()) return schema.get<bool>();
  if (schema.contains("$ref")) {
    const std::string reference = schema["$ref"];
    if (!meets(value, root.at(Json::json_pointer(reference.substr(1))), root)) return false;
  }
  if (schema.contains("type")) {
    const Json types = schema["type"].is_array() ? schema["type"] : Json::array({schema["type"]});
    const auto has = [&](const Json& type) { return has_type(value, type); };
    if (std::none_of(types.begin(), types.end(), has)) return false;
  }
  if (schema.contains("const") && value != schema["const"]) return false;
  const auto is_value = [&](const Json& option) { return value == option; };
  const auto is_met = [&](const Json& part) { return meets(value, part, root); };
  if (schema.contains("enum")) {
    const Json& options = schema["enum"];
    if (std::none_of(options.begin(), options.end(), is_value)) return false;
  }
  if (schema.contains("anyOf")) {
    const Json& options = schema["anyOf"];
    if (std::none_of(options.begin(), options.end(), is_met)) return false;
  }
  if (schema.contains("oneOf")) {
    const Json& options = schema["oneOf"];
    if (std::count_if(options.begin(), options.end(), is_met) != 1) return false;
  }
  if (schema.contains("allOf")) {
    const Json& parts = schema["allOf"];
    if (!std::all_of(parts.begin(), parts.end(), is_met)) return false;
  }
  if (value.is_object()) return meets_object(value, schema, root);
  if (value.is_array()) return meets_array(value, schema, root);
  if (value.is_string()) return meets_string(value.get<std::string>(), schema);
  return !value.is_number() || meets_number(value.get<double>(), schema);
}

}  // namespace hearth::text
