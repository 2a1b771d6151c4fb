// Builds the bytes of a GGUF file field by field, so that a test can get any of them wrong.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <span>
#include <string_view>
#include <vector>

#include "gguf/file.h"

namespace hearth::gguf {

class GgufBytes {
 public:
  template <class T>
  GgufBytes& put(T value) {
    const size_t at = bytes_.size();
    bytes_.resize(at + sizeof value);
    std::memcpy(bytes_.data() + at, &value, sizeof value);
    return *this;
  }
  GgufBytes& raw(std::string_view text) {
    for (const char c : text) bytes_.push_back(static_cast<std::byte>(c));
    return *this;
  }
  GgufBytes& text(std::string_view text) { return put<uint64_t>(text.size()).raw(text); }
  GgufBytes& header(uint64_t n_tensors, uint64_t n_entries, uint32_t version = 3) {
    return raw("GGUF").put(version).put(n_tensors).put(n_entries);
  }
  GgufBytes& key(std::string_view name, ValueType type) { return text(name).put(type); }
  template <class T>
  GgufBytes& value(std::string_view name, ValueType type, T number) {
    return key(name, type).put(number);
  }
  GgufBytes& value(std::string_view name, std::string_view content) {
    return key(name, ValueType::kString).text(content);
  }
  GgufBytes& array(std::string_view name, ValueType element_type, uint64_t size) {
    return key(name, ValueType::kArray).put(element_type).put(size);
  }
  GgufBytes& tensor(std::string_view name, std::initializer_list<uint64_t> dims, uint32_t type,
                    uint64_t offset) {
    text(name).put<uint32_t>(static_cast<uint32_t>(dims.size()));
    for (const uint64_t dim : dims) put(dim);
    return put(type).put(offset);
  }
  GgufBytes& zeros(size_t n_bytes) {
    bytes_.resize(bytes_.size() + n_bytes);
    return *this;
  }
  GgufBytes& align(size_t alignment = 32) {
    return zeros((alignment - bytes_.size() % alignment) % alignment);
  }

  std::span<const std::byte> bytes() const { return bytes_; }
  Result<File> parse() const {
    const std::span<const std::byte> part = bytes_;
    return File::parse({&part, 1});
  }

 private:
  std::vector<std::byte> bytes_;
};

// Ids as in files, for tests that write raw ones.
inline constexpr uint32_t kF32 = 0;
inline constexpr uint32_t kF16 = 1;
inline constexpr uint32_t kQ4_0 = 2;
inline constexpr uint32_t kQ8_0 = 8;

// A small valid file with a value of every type, arrays, and two tensors.
inline GgufBytes small_file(uint32_t version = 3) {
  GgufBytes out;
  out.header(2, 19, version);
  out.value("general.architecture", "llama");
  out.value<uint32_t>("general.alignment", ValueType::kUint32, 32);
  out.value<uint8_t>("t.uint8", ValueType::kUint8, 250);
  out.value<int8_t>("t.int8", ValueType::kInt8, -5);
  out.value<uint16_t>("t.uint16", ValueType::kUint16, 65000);
  out.value<int16_t>("t.int16", ValueType::kInt16, -30000);
  out.value<uint32_t>("t.uint32", ValueType::kUint32, 4000000000u);
  out.value<int32_t>("t.int32", ValueType::kInt32, -2000000000);
  out.value<uint64_t>("t.uint64", ValueType::kUint64, 1ull << 63);
  out.value<int64_t>("t.int64", ValueType::kInt64, -(1ll << 40));
  out.value<float>("t.float32", ValueType::kFloat32, 0.1f);
  out.value<double>("t.float64", ValueType::kFloat64, 0.1);
  out.value<uint8_t>("t.bool", ValueType::kBool, 1);
  out.value("t.string", "caf\xC3\xA9");
  out.array("t.strings", ValueType::kString, 3).text("a").text("").text("bc");
  out.array("t.floats", ValueType::kFloat32, 2).put(1.5f).put(-2.0f);
  out.array("t.ints", ValueType::kInt16, 3).put<int16_t>(-1).put<int16_t>(0).put<int16_t>(7);
  out.array("t.bools", ValueType::kBool, 2).put<uint8_t>(1).put<uint8_t>(0);
  out.array("t.empty", ValueType::kUint64, 0);
  out.tensor("a.weight", {32, 2}, kQ8_0, 0);
  out.tensor("b.bias", {3}, kF32, 96);
  out.align().zeros(68).align().put(1.0f).put(2.0f).put(3.0f);
  return out;
}

}  // namespace hearth::gguf
