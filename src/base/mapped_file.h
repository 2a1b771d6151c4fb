// A regular file mapped read-only for as long as the object lives. Immutable, so any thread may
// read. A file that shrinks under the mapping raises SIGBUS; a process of its own per model
// contains that.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/result.h"

namespace hearth {

class MappedFile {
 public:
  // kInvalidArgument for what is not a regular file (devices, pipes, folders), kNotFound, else kIo.
  // Symbolic links are followed. An empty file maps to no bytes.
  static Result<MappedFile> open(const std::string& path);

  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  const std::string& path() const { return path_; }

  // Whether all of `bytes` are the file's; true for none of them at a place inside.
  bool holds(std::span<const std::byte> bytes) const;

  // Advice to the kernel: about to be read front to back; or not needed any more (pages may go, and
  // come back from the file when touched). What lies past the end is ignored.
  void advise_sequential(size_t offset, size_t n_bytes) const;
  void advise_done(size_t offset, size_t n_bytes) const;

 private:
  MappedFile(std::string path, const std::byte* data, size_t size)
      : path_(std::move(path)), data_(data), size_(size) {}

  std::string path_;
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace hearth
