// A file being written that appears under its name only when it is whole: bytes go to a temporary
// file beside it, commit() syncs and renames. Destroyed before that, it leaves nothing behind. One
// thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace hearth {

class NewFile {
 public:
  // kInvalidArgument if `path` is a folder. An existing file stays as it is until commit().
  static Result<NewFile> create(const std::string& path);
  NewFile(NewFile&& other) noexcept;
  NewFile& operator=(NewFile&& other) noexcept;
  ~NewFile();

  // Claims disk space for n_bytes in all. kIo with the numbers where they are not free.
  Result<void> reserve(uint64_t n_bytes);

  Result<void> append(std::span<const std::byte> bytes);
  Result<void> append_zeros(uint64_t n_bytes);
  uint64_t size() const { return n_written_ + buffer_.size(); }

  // After this nothing may be appended. An existing file of that name is replaced.
  Result<void> commit();

 private:
  NewFile(std::string path, std::string temporary_path, int fd);
  Result<void> write_out(std::span<const std::byte> bytes);
  Result<void> flush();
  Result<void> sync_folder() const;

  std::string path_;
  std::string temporary_path_;
  int fd_;
  uint64_t n_written_ = 0;
  uint64_t n_reserved_ = 0;
  bool is_broken_ = false;  // a write failed: never to be committed
  std::vector<std::byte> buffer_;
};

}  // namespace hearth
