// Reads a file's bytes front to back. Nothing is taken before it is known to be there, and no count
// is believed that the bytes left could not hold.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

#include "base/result.h"

namespace hearth::gguf {

static_assert(std::endian::native == std::endian::little, "files are read as they lie");

// The bytes [offset, offset + n_bytes) of `file`; `what` names them in the error.
Result<std::span<const std::byte>> checked_range(std::span<const std::byte> file, uint64_t offset,
                                                 uint64_t n_bytes, std::string_view what);

class ByteReader {
 public:
  explicit ByteReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  uint64_t offset() const { return offset_; }
  uint64_t remaining() const { return bytes_.size() - offset_; }

  template <class T>
  requires std::is_arithmetic_v<T> Result<T> read(std::string_view what) {
    const auto bytes = TRY(take(sizeof(T), what));
    T value;
    std::memcpy(&value, bytes.data(), sizeof value);
    return value;
  }

  Result<std::span<const std::byte>> take(uint64_t n_bytes, std::string_view what);

  // A uint64 that counts things of at least `least_bytes_each` bytes that follow.
  Result<uint64_t> read_count(uint64_t least_bytes_each, uint64_t most, std::string_view what);

  // A uint64 length and that many bytes, borrowed.
  Result<std::string_view> read_string(uint64_t most_bytes, std::string_view what);

 private:
  std::span<const std::byte> bytes_;
  uint64_t offset_ = 0;
};

}  // namespace hearth::gguf
