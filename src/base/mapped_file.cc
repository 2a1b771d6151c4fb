#include "base/mapped_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <functional>
#include <utility>

namespace hearth {
namespace {

Error io_error(const std::string& path, const char* doing) {
  const ErrorCode code = errno == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo;
  return {code, fmt::format("{}: cannot {}: {}", path, doing, std::strerror(errno))};
}

void advise(const std::byte* data, size_t size, size_t offset, size_t n_bytes, int advice) {
  if (data == nullptr || offset >= size) return;
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const size_t begin = offset / page * page;
  const size_t end = n_bytes > size - offset ? size : offset + n_bytes;
  madvise(const_cast<std::byte*>(data) + begin, end - begin, advice);
}

}  // namespace

Result<MappedFile> MappedFile::open(const std::string& path) {
  if (path.find('\0') != std::string::npos) {
    return fail(ErrorCode::kInvalidArgument, "a file's path holds a NUL byte");
  }
  // O_NONBLOCK: opening a pipe must not wait for a writer.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return std::unexpected(io_error(path, "open"));
  struct stat info;
  if (fstat(fd, &info) != 0) {
    auto error = io_error(path, "stat");
    close(fd);
    return std::unexpected(std::move(error));
  }
  if (!S_ISREG(info.st_mode)) {
    close(fd);
    return fail(ErrorCode::kInvalidArgument, fmt::format("{}: not a regular file", path));
  }
  const size_t size = static_cast<size_t>(info.st_size);
  const void* data = nullptr;
  if (size > 0) {
    data = mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0);
    if (data == MAP_FAILED) {
      auto error = io_error(path, "map");
      close(fd);
      return std::unexpected(std::move(error));
    }
  }
  close(fd);
  return MappedFile(path, static_cast<const std::byte*>(data), size);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : path_(std::move(other.path_)),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) munmap(const_cast<std::byte*>(data_), size_);
}

bool MappedFile::holds(std::span<const std::byte> bytes) const {
  const std::less_equal<const std::byte*> at_most;
  return data_ != nullptr && at_most(data_, bytes.data()) &&
         at_most(bytes.data() + bytes.size(), data_ + size_);
}

void MappedFile::advise_sequential(size_t offset, size_t n_bytes) const {
  advise(data_, size_, offset, n_bytes, MADV_SEQUENTIAL);
}

void MappedFile::advise_done(size_t offset, size_t n_bytes) const {
  advise(data_, size_, offset, n_bytes, MADV_DONTNEED);
}

}  // namespace hearth
