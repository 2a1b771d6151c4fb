// Reads whatever a loaded file offers, as a program would, and CHECKs what every File promises.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "base/check.h"
#include "base/utf8.h"
#include "gguf/file.h"

namespace hearth::gguf {

inline void check_name_promises(std::string_view name) {
  CHECK(!name.empty());
  CHECK(find_invalid_utf8(name) == std::string_view::npos);
  CHECK(name.find('\0') == std::string_view::npos);
}

inline uint64_t sum_of(std::span<const std::byte> bytes) {
  uint64_t sum = bytes.size();
  for (const std::byte b : bytes) sum = sum * 31 + static_cast<uint64_t>(b);
  return sum;
}

inline uint64_t read_entry(const Metadata& metadata, const Metadata::Entry& entry) {
  uint64_t sum = 0;
  check_name_promises(entry.key);
  CHECK(metadata.find(entry.key) == &entry.value);
  const auto number = metadata.get_uint(entry.key, 3, 1 << 20);
  if (number) {
    CHECK(*number >= 3 && *number <= 1 << 20);
    sum += *number;
  }
  const auto real = metadata.get_float(entry.key, -1e9, 1e9);
  if (real) {
    CHECK(std::isfinite(*real));
    sum += *real > 0;
  }
  if (const auto truth = metadata.get_bool(entry.key)) sum += *truth;
  if (const auto text = metadata.get_string(entry.key)) {
    sum += sum_of(std::as_bytes(std::span(*text)));
  }
  if (const auto values = metadata.get_floats(entry.key)) {
    CHECK(std::ranges::all_of(*values, [](float value) { return std::isfinite(value); }));
    sum += values->size();
  }
  if (const auto values = metadata.get_ints(entry.key)) sum += values->size();
  if (const auto texts = metadata.get_strings(entry.key)) {
    for (const std::string_view text : *texts) sum += sum_of(std::as_bytes(std::span(text)));
  }
  return sum;
}

// `parts` are the bytes that the file was parsed from.
inline uint64_t read_everything(const File& file,
                                std::span<const std::span<const std::byte>> parts) {
  uint64_t sum = file.size_bytes();
  for (const auto& entry : file.metadata().entries()) sum += read_entry(file.metadata(), entry);
  std::vector<std::span<const std::byte>> ranges;
  for (const Tensor& tensor : file.tensors()) {
    check_name_promises(tensor.name);
    CHECK(file.find_tensor(tensor.name) == &tensor);
    CHECK(tensor.n_dims >= 1 && tensor.n_dims <= 4 && tensor.n_values() >= 1);
    const quant::TypeInfo& type = quant::type_info(tensor.type);
    CHECK(tensor.row_length() % type.block_size == 0);
    CHECK(tensor.data.size() == tensor.n_values() / type.block_size * type.block_bytes);
    CHECK(std::ranges::any_of(parts, [&](std::span<const std::byte> part) {
      return tensor.data.data() >= part.data() &&
             tensor.data.data() + tensor.data.size() <= part.data() + part.size();
    }));
    sum += sum_of(tensor.data);
    ranges.push_back(tensor.data);
  }
  std::ranges::sort(ranges, {}, [](auto range) { return range.data(); });
  for (size_t i = 1; i < ranges.size(); ++i) {
    CHECK(ranges[i - 1].data() + ranges[i - 1].size() <= ranges[i].data());
  }
  return sum;
}

}  // namespace hearth::gguf
