#include "gguf/metadata.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstring>
#include <limits>
#include <numeric>

#include "gguf/quote.h"

namespace hearth::gguf {
namespace {

struct ValueTypeRow {
  const char* name;
  size_t n_bytes;
};

// In the order of ValueType.
constexpr ValueTypeRow kValueTypes[] = {
    {"uint8", 1},  {"int8", 1},    {"uint16", 2},  {"int16", 2},  {"uint32", 4},
    {"int32", 4},  {"float32", 4}, {"bool", 1},    {"string", 0}, {"array", 0},
    {"uint64", 8}, {"int64", 8},   {"float64", 8},
};

std::string type_text(const Value& value) {
  const auto* array = std::get_if<Array>(&value.data);
  if (array == nullptr) return value_type_name(value.type);
  return fmt::format("array of {}", value_type_name(array->element_type));
}

std::unexpected<Error> wrong_type(std::string_view key, const Value& value, const char* wanted) {
  return fail(ErrorCode::kInvalidFile, fmt::format("metadata key {} is {}, wanted {}", quote(key),
                                                   type_text(value), wanted));
}

Result<const Value*> require(const Metadata& metadata, std::string_view key) {
  if (const Value* value = metadata.find(key)) return value;
  return fail(ErrorCode::kNotFound, fmt::format("metadata key {} is missing", quote(key)));
}

Result<const Array*> require_array(const Metadata& metadata, std::string_view key,
                                   const char* wanted) {
  const Value* value = TRY(require(metadata, key));
  if (const auto* array = std::get_if<Array>(&value->data)) return array;
  return wrong_type(key, *value, wanted);
}

// Appends every element, which are T in the file, as Out. False: one does not fit.
template <class T, class Out>
bool append_as(std::span<const std::byte> elements, std::vector<Out>& out) {
  out.reserve(elements.size() / sizeof(T));
  for (size_t at = 0; at < elements.size(); at += sizeof(T)) {
    T value;
    std::memcpy(&value, elements.data() + at, sizeof value);
    if constexpr (std::integral<T>) {
      if (!std::in_range<Out>(value)) return false;
    } else {
      if (!std::isfinite(static_cast<Out>(value))) return false;
    }
    out.push_back(static_cast<Out>(value));
  }
  return true;
}

std::unexpected<Error> bad_element(std::string_view key, size_t index, const char* why) {
  return fail(ErrorCode::kInvalidFile,
              fmt::format("metadata key {}, element {}: {}", quote(key), index, why));
}

}  // namespace

const char* value_type_name(ValueType type) { return kValueTypes[static_cast<size_t>(type)].name; }

size_t value_type_bytes(ValueType type) { return kValueTypes[static_cast<size_t>(type)].n_bytes; }

Result<Metadata> Metadata::from_entries(std::vector<Entry> entries) {
  Metadata metadata;
  metadata.entries_ = std::move(entries);
  metadata.by_key_.resize(metadata.entries_.size());
  std::iota(metadata.by_key_.begin(), metadata.by_key_.end(), 0u);
  const auto key_of = [&](uint32_t i) -> std::string_view { return metadata.entries_[i].key; };
  std::ranges::sort(metadata.by_key_, {}, key_of);
  const auto twice = std::ranges::adjacent_find(metadata.by_key_, {}, key_of);
  if (twice != metadata.by_key_.end()) {
    return fail(ErrorCode::kInvalidFile,
                fmt::format("metadata key {} is there twice", quote(key_of(*twice))));
  }
  return metadata;
}

const Value* Metadata::find(std::string_view key) const {
  const auto key_of = [&](uint32_t i) -> std::string_view { return entries_[i].key; };
  const auto found = std::ranges::lower_bound(by_key_, key, {}, key_of);
  if (found == by_key_.end() || key_of(*found) != key) return nullptr;
  return &entries_[*found].value;
}

Result<uint64_t> Metadata::get_uint(std::string_view key, uint64_t least, uint64_t most) const {
  const Value* value = TRY(require(*this, key));
  const auto out_of_range = [&](auto found) {
    return fail(ErrorCode::kInvalidFile, fmt::format("metadata key {} is {}, wanted {} to {}",
                                                     quote(key), found, least, most));
  };
  if (const auto* number = std::get_if<int64_t>(&value->data)) {
    if (*number < 0) return out_of_range(*number);
    const auto magnitude = static_cast<uint64_t>(*number);
    if (magnitude < least || magnitude > most) return out_of_range(magnitude);
    return magnitude;
  }
  const auto* number = std::get_if<uint64_t>(&value->data);
  if (number == nullptr) return wrong_type(key, *value, "an integer");
  if (*number < least || *number > most) return out_of_range(*number);
  return *number;
}

Result<double> Metadata::get_float(std::string_view key, double least, double most) const {
  const Value* value = TRY(require(*this, key));
  const auto* number = std::get_if<double>(&value->data);
  if (number == nullptr) return wrong_type(key, *value, "float32 or float64");
  if (!std::isfinite(*number) || *number < least || *number > most) {
    return fail(ErrorCode::kInvalidFile, fmt::format("metadata key {} is {}, wanted {} to {}",
                                                     quote(key), *number, least, most));
  }
  return *number;
}

Result<bool> Metadata::get_bool(std::string_view key) const {
  const Value* value = TRY(require(*this, key));
  if (const auto* found = std::get_if<bool>(&value->data)) return *found;
  return wrong_type(key, *value, "bool");
}

Result<std::string_view> Metadata::get_string(std::string_view key) const {
  const Value* value = TRY(require(*this, key));
  if (const auto* found = std::get_if<std::string_view>(&value->data)) return *found;
  return wrong_type(key, *value, "string");
}

Result<uint64_t> Metadata::get_uint_or(std::string_view key, uint64_t least, uint64_t most,
                                       uint64_t fallback) const {
  if (!has(key)) return fallback;
  return get_uint(key, least, most);
}

Result<double> Metadata::get_float_or(std::string_view key, double least, double most,
                                      double fallback) const {
  if (!has(key)) return fallback;
  return get_float(key, least, most);
}

Result<bool> Metadata::get_bool_or(std::string_view key, bool fallback) const {
  if (!has(key)) return fallback;
  return get_bool(key);
}

Result<std::string_view> Metadata::get_string_or(std::string_view key,
                                                 std::string_view fallback) const {
  if (!has(key)) return fallback;
  return get_string(key);
}

Result<std::vector<float>> Metadata::get_floats(std::string_view key) const {
  constexpr const char* kWanted = "array of float32 or float64";
  const Array* array = TRY(require_array(*this, key, kWanted));
  std::vector<float> out;
  bool is_finite = false;
  switch (array->element_type) {
    case ValueType::kFloat32: is_finite = append_as<float>(array->elements, out); break;
    case ValueType::kFloat64: is_finite = append_as<double>(array->elements, out); break;
    default: return wrong_type(key, *find(key), kWanted);
  }
  if (!is_finite) return bad_element(key, out.size(), "not a finite float32");
  return out;
}

Result<std::vector<int64_t>> Metadata::get_ints(std::string_view key) const {
  constexpr const char* kWanted = "array of integers";
  const Array* array = TRY(require_array(*this, key, kWanted));
  const auto elements = array->elements;
  std::vector<int64_t> out;
  bool fits = false;
  switch (array->element_type) {
    case ValueType::kBool:
    case ValueType::kUint8: fits = append_as<uint8_t>(elements, out); break;
    case ValueType::kUint16: fits = append_as<uint16_t>(elements, out); break;
    case ValueType::kUint32: fits = append_as<uint32_t>(elements, out); break;
    case ValueType::kUint64: fits = append_as<uint64_t>(elements, out); break;
    case ValueType::kInt8: fits = append_as<int8_t>(elements, out); break;
    case ValueType::kInt16: fits = append_as<int16_t>(elements, out); break;
    case ValueType::kInt32: fits = append_as<int32_t>(elements, out); break;
    case ValueType::kInt64: fits = append_as<int64_t>(elements, out); break;
    default: return wrong_type(key, *find(key), kWanted);
  }
  if (!fits) return bad_element(key, out.size(), "does not fit int64");
  return out;
}

Result<std::span<const std::string_view>> Metadata::get_strings(std::string_view key) const {
  constexpr const char* kWanted = "array of strings";
  const Array* array = TRY(require_array(*this, key, kWanted));
  if (array->element_type != ValueType::kString) return wrong_type(key, *find(key), kWanted);
  return std::span<const std::string_view>(array->strings);
}

}  // namespace hearth::gguf
