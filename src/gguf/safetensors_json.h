// The two JSON texts of a safetensors checkpoint, read event by event: nothing is built but what is
// asked for, and nesting is bounded.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hearth::gguf {

struct SafetensorHeaderRow {
  std::string name;
  std::string type;
  std::vector<uint64_t> shape;
  std::array<uint64_t, 2> range;  // [begin, end) in the data section
};

// The header of a file, in its order. Names are checked, but may be there twice.
Result<std::vector<SafetensorHeaderRow>> parse_safetensors_header(std::string_view json);

// weight_map of model.safetensors.index.json: tensor name to the name of its file, which is a plain
// file name without a folder.
Result<std::map<std::string, std::string>> parse_safetensors_index(std::string_view json);

}  // namespace hearth::gguf
