// The key-value section of a GGUF file. Strings and arrays borrow from the mapped file.
// Keys are valid UTF-8 without NUL; string values are the file's bytes, unchecked.
// Specification: ggml-org/ggml docs/gguf.md, version 3.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

namespace hearth::gguf {

enum class ValueType : uint32_t {
  kUint8 = 0,
  kInt8 = 1,
  kUint16 = 2,
  kInt16 = 3,
  kUint32 = 4,
  kInt32 = 5,
  kFloat32 = 6,
  kBool = 7,
  kString = 8,
  kArray = 9,
  kUint64 = 10,
  kInt64 = 11,
  kFloat64 = 12,
};

const char* value_type_name(ValueType type);  // "uint32", "string", "array"
size_t value_type_bytes(ValueType type);      // of one value in a file; 0 for strings and arrays

// Elements lie packed in the file, unaligned; string arrays are indexed once when read.
struct Array {
  ValueType element_type;  // never kArray: nested arrays are refused
  uint64_t size;
  std::span<const std::byte> elements;    // raw bytes; empty for strings
  std::vector<std::string_view> strings;  // filled for kString only
};

struct Value {
  ValueType type;
  std::variant<uint64_t, int64_t, double, bool, std::string_view, Array> data;
};

class Metadata {
 public:
  struct Entry {
    std::string key;
    Value value;
  };

  // kInvalidFile for a key that is there twice. Strings and arrays still belong to the caller.
  static Result<Metadata> from_entries(std::vector<Entry> entries);

  const Value* find(std::string_view key) const;  // null if absent
  bool has(std::string_view key) const { return find(key) != nullptr; }

  // Typed look-ups. A missing key is kNotFound; a wrong type or a value out of [least, most] is
  // kInvalidFile and names key, found and wanted. Any integer type may hold an integer; floats are
  // float32 or float64 and must be finite.
  Result<uint64_t> get_uint(std::string_view key, uint64_t least, uint64_t most) const;
  Result<double> get_float(std::string_view key, double least, double most) const;
  Result<bool> get_bool(std::string_view key) const;
  Result<std::string_view> get_string(std::string_view key) const;

  // The same with a value for a missing key; present but wrong is still an error.
  Result<uint64_t> get_uint_or(std::string_view key, uint64_t least, uint64_t most,
                               uint64_t fallback) const;
  Result<double> get_float_or(std::string_view key, double least, double most,
                              double fallback) const;
  Result<bool> get_bool_or(std::string_view key, bool fallback) const;
  Result<std::string_view> get_string_or(std::string_view key, std::string_view fallback) const;

  // Whole arrays, copied and converted; element type checked as above.
  Result<std::vector<float>> get_floats(std::string_view key) const;
  Result<std::vector<int64_t>> get_ints(std::string_view key) const;  // bools count as 0 and 1
  Result<std::span<const std::string_view>> get_strings(std::string_view key) const;

  std::span<const Entry> entries() const { return entries_; }  // in the order of the file

 private:
  std::vector<Entry> entries_;
  std::vector<uint32_t> by_key_;  // indices into entries_, sorted by key
};

}  // namespace hearth::gguf
