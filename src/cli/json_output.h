// JSON for programs, on stdout.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "base/print.h"

namespace hearth::cli {

// Indented, one object a call. Bytes that are not UTF-8 become U+FFFD; writing never throws for
// them.
inline void print_json(const nlohmann::ordered_json& json) {
  const std::string text =
      json.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  write_out(text);
}

}  // namespace hearth::cli
