// The tools that a request offers: their names, and the types of their arguments.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace hearth::text {

enum class ArgumentType {
  kText,        // as it is written
  kTextOrNull,  // likewise, but `null` is none
  kValue,       // JSON: a number, a truth value, an array, an object
};

class ToolSet {
 public:
  ToolSet() = default;

  // tools: [{"type": "function", "function": {"name", "parameters"}}, ...], or the functions alone.
  // kInvalidArgument says which is wrong; kLimitExceeded beyond 4 MiB, 1,000 tools or 128 levels.
  static Result<ToolSet> from_json(std::string_view tools);

  bool empty() const { return tools_.empty(); }
  bool contains(std::string_view tool) const { return tools_.contains(tool); }
  // kText unless the tool's schema says otherwise.
  ArgumentType type(std::string_view tool, std::string_view argument) const;

 private:
  using Arguments = std::map<std::string, ArgumentType, std::less<>>;
  std::map<std::string, Arguments, std::less<>> tools_;
};

}  // namespace hearth::text
