// Values as Python or a model's own notation writes them, to JSON.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hearth::text {

// A JSON value, or a Python one ('text', True, None, tuples), as JSON text. None for anything else,
// or beyond 64 levels. Linear in the text.
std::optional<std::string> literal_to_json(std::string_view literal);

struct LiteralCall {
  std::string name;
  std::string arguments;  // a JSON object
};

// `[name(key=value, ...), ...]`, or one call without brackets.
std::optional<std::vector<LiteralCall>> read_python_calls(std::string_view text);

// `call:name{key:value, ...}` with strings between <|"|> marks and bare keys.
std::optional<std::vector<LiteralCall>> read_gemma_calls(std::string_view text);

}  // namespace hearth::text
