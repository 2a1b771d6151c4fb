#include "gguf/byte_reader.h"

#include <fmt/format.h>

namespace hearth::gguf {

Result<std::span<const std::byte>> checked_range(std::span<const std::byte> file, uint64_t offset,
                                                 uint64_t n_bytes, std::string_view what) {
  if (offset > file.size() || n_bytes > file.size() - offset) {
    return fail(ErrorCode::kInvalidFile,
                fmt::format("{} needs {} bytes from byte {}, but the file has {}: it is damaged or "
                            "incomplete, get it again",
                            what, n_bytes, offset, file.size()));
  }
  return file.subspan(offset, n_bytes);
}

Result<std::span<const std::byte>> ByteReader::take(uint64_t n_bytes, std::string_view what) {
  const auto bytes = TRY(checked_range(bytes_, offset_, n_bytes, what));
  offset_ += n_bytes;
  return bytes;
}

Result<uint64_t> ByteReader::read_count(uint64_t least_bytes_each, uint64_t most,
                                        std::string_view what) {
  const uint64_t at = offset_;
  const uint64_t count = TRY(read<uint64_t>(what));
  if (count > remaining() / least_bytes_each) {
    return fail(ErrorCode::kInvalidFile,
                fmt::format("{} at byte {} is {}, more than the {} bytes after it can hold", what,
                            at, count, remaining()));
  }
  if (count > most) {
    return fail(ErrorCode::kLimitExceeded,
                fmt::format("{} at byte {} is {}, the limit is {}", what, at, count, most));
  }
  return count;
}

Result<std::string_view> ByteReader::read_string(uint64_t most_bytes, std::string_view what) {
  const uint64_t at = offset_;
  const uint64_t n_bytes = TRY(read<uint64_t>(what));
  if (n_bytes > remaining()) {
    return fail(ErrorCode::kInvalidFile,
                fmt::format("{} at byte {} claims {} bytes, but {} are left: the file is damaged "
                            "or incomplete, get it again",
                            what, at, n_bytes, remaining()));
  }
  if (n_bytes > most_bytes) {
    return fail(
        ErrorCode::kLimitExceeded,
        fmt::format("{} at byte {} has {} bytes, the limit is {}", what, at, n_bytes, most_bytes));
  }
  const auto bytes = TRY(take(n_bytes, what));
  return std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

}  // namespace hearth::gguf
