// Names of the parts of a split model: PREFIX-00001-of-0000N.gguf.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hearth::gguf {

struct SplitName {
  std::string prefix;  // with its folder
  uint32_t number;     // from 1
  uint32_t count;
};

std::optional<SplitName> parse_split_name(std::string_view path);
std::string split_name(std::string_view prefix, uint32_t number, uint32_t count);

}  // namespace hearth::gguf
