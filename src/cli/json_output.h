// JSON for programs, on stdout.
#pragma once

#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>

namespace hearth::cli {

// Indented, one object a call. Bytes that are not UTF-8 become U+FFFD; writing never throws for
// them.
inline void print_json(const nlohmann::ordered_json& json) {
  const std::string text =
      json.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  std::fwrite(text.data(), 1, text.size(), stdout);
}

}  // namespace hearth::cli
