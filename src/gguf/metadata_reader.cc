#include "gguf/metadata_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/utf8.h"
#include "gguf/limits.h"
#include "gguf/quote.h"

namespace hearth::gguf {
namespace {

constexpr uint64_t kUnlimited = std::numeric_limits<uint64_t>::max();

Result<ValueType> read_value_type(ByteReader& reader) {
  const uint64_t at = reader.offset();
  const uint32_t id = TRY(reader.read<uint32_t>("value type"));
  if (id > static_cast<uint32_t>(ValueType::kFloat64)) {
    return fail(ErrorCode::kInvalidFile, fmt::format("unknown value type {} at byte {}", id, at));
  }
  return static_cast<ValueType>(id);
}

Result<void> check_bools(std::span<const std::byte> bytes) {
  const auto is_bad = [](std::byte b) { return b > std::byte{1}; };
  const auto bad = std::ranges::find_if(bytes, is_bad);
  if (bad == bytes.end()) return {};
  return fail(ErrorCode::kInvalidFile,
              fmt::format("a bool is 0 or 1, found {}", static_cast<int>(*bad)));
}

Result<Array> read_array(ByteReader& reader) {
  const ValueType type = TRY(read_value_type(reader));
  if (type == ValueType::kArray) {
    return fail(ErrorCode::kUnsupported,
                fmt::format("array of arrays at byte {}", reader.offset()));
  }
  Array array{type, 0, {}, {}};
  if (type == ValueType::kString) {
    array.size = TRY(reader.read_count(sizeof(uint64_t), kUnlimited, "array length"));
    array.strings.reserve(array.size);
    for (uint64_t i = 0; i < array.size; ++i) {
      array.strings.push_back(TRY(reader.read_string(kMaxArrayTextBytes, "text in an array")));
    }
    return array;
  }
  const uint64_t n_bytes_each = value_type_bytes(type);
  array.size = TRY(reader.read_count(n_bytes_each, kUnlimited, "array length"));
  array.elements = TRY(reader.take(array.size * n_bytes_each, "array"));
  if (type == ValueType::kBool) TRY(check_bools(array.elements));
  return array;
}

template <class T, class Wide>
Result<Value> read_number(ByteReader& reader, ValueType type) {
  return Value { type, static_cast<Wide>(TRY(reader.read<T>("value"))) };
}

Result<Value> read_value(ByteReader& reader) {
  const ValueType type = TRY(read_value_type(reader));
  switch (type) {
    case ValueType::kUint8: return read_number<uint8_t, uint64_t>(reader, type);
    case ValueType::kUint16: return read_number<uint16_t, uint64_t>(reader, type);
    case ValueType::kUint32: return read_number<uint32_t, uint64_t>(reader, type);
    case ValueType::kUint64: return read_number<uint64_t, uint64_t>(reader, type);
    case ValueType::kInt8: return read_number<int8_t, int64_t>(reader, type);
    case ValueType::kInt16: return read_number<int16_t, int64_t>(reader, type);
    case ValueType::kInt32: return read_number<int32_t, int64_t>(reader, type);
    case ValueType::kInt64: return read_number<int64_t, int64_t>(reader, type);
    case ValueType::kFloat32: return read_number<float, double>(reader, type);
    case ValueType::kFloat64: return read_number<double, double>(reader, type);
    case ValueType::kString: return Value { type, TRY(reader.read_string(kUnlimited, "string"))
      };
    case ValueType::kArray: return Value { type, TRY(read_array(reader))
      };
    case ValueType::kBool: break;
  }
  const auto bytes = TRY(reader.take(1, "bool"));
  TRY(check_bools(bytes));
  return Value{type, bytes[0] == std::byte{1}};
}

}  // namespace

Result<void> check_name(std::string_view name, uint64_t most_bytes, std::string_view what) {
  const auto bad = [&](const char* why) {
    return fail(ErrorCode::kInvalidFile, fmt::format("{} {} {}", what, quote(name), why));
  };
  if (name.empty()) return bad("is empty");
  if (name.size() > most_bytes) {
    return fail(ErrorCode::kLimitExceeded, fmt::format("{} {} has {} bytes, the limit is {}", what,
                                                       quote(name), name.size(), most_bytes));
  }
  if (name.find('\0') != std::string_view::npos) return bad("holds a NUL byte");
  if (find_invalid_utf8(name) != std::string_view::npos) return bad("is not valid UTF-8");
  return {};
}

Result<std::string> read_name(ByteReader& reader, uint64_t most_bytes, std::string_view what) {
  const auto name = TRY(reader.read_string(most_bytes, what));
  TRY(check_name(name, most_bytes, what));
  return std::string(name);
}

Result<Metadata> read_metadata(ByteReader& reader, uint64_t n_entries) {
  std::vector<Metadata::Entry> entries;
  for (uint64_t i = 0; i < n_entries; ++i) {
    std::string key = TRY(read_name(reader, kMaxKeyBytes, "metadata key"));
    auto value = read_value(reader);
    if (!value) return fail_at("metadata key " + quote(key), std::move(value).error());
    entries.push_back({std::move(key), *std::move(value)});
  }
  return Metadata::from_entries(std::move(entries));
}

}  // namespace hearth::gguf
