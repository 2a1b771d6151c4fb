// The name of a model in the library: [[host/]namespace/]model[:tag], as Ollama has them.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace hearth::library {

// Each part holds letters, digits, '.', '_' and '-', starts with a letter or digit, has at most
// 80 bytes and does not end in ".part" (a file being written): no part can leave its folder.
// Letters are kept as written; a host may carry ":port".
class ModelName {
 public:
  // Defaults: host "local", namespace "library", tag "latest".
  static Result<ModelName> parse(std::string_view text);

  std::string text() const;    // without the defaults: "smollm2:135m"
  std::string folder() const;  // "local/library/smollm2"
  const std::string& tag() const { return tag_; }
  auto operator<=>(const ModelName&) const = default;

 private:
  ModelName() = default;
  std::string host_, namespace_, model_, tag_;
};

}  // namespace hearth::library
