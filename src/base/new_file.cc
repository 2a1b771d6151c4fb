#include "base/new_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <optional>
#include <utility>

namespace hearth {
namespace {

constexpr size_t kBufferBytes = 1 << 20;

std::unexpected<Error> io_error(const std::string& path, const char* doing) {
  return fail(ErrorCode::kIo, fmt::format("{}: cannot {}: {}", path, doing, std::strerror(errno)));
}

std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::optional<uint64_t> free_bytes(const std::string& folder) {
  struct statvfs info;
  if (statvfs(folder.c_str(), &info) != 0 || info.f_blocks == 0) return std::nullopt;
  return static_cast<uint64_t>(info.f_bavail) * info.f_frsize;
}

bool is_disk_full(int error) { return error == ENOSPC || error == EDQUOT || error == EFBIG; }

std::unexpected<Error> disk_full(const std::string& path, uint64_t n_needed) {
  const std::string folder = folder_of(path);
  const auto n_free = free_bytes(folder);
  return fail(ErrorCode::kIo,
              fmt::format("{}: not enough disk space: {} bytes more are needed, {} may be written "
                          "in {}",
                          path, n_needed, n_free ? fmt::to_string(*n_free) : "too few", folder));
}

}  // namespace

Result<NewFile> NewFile::create(const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: is there and not a regular file", path));
  }
  static std::atomic<uint32_t> n_created = 0;
  const std::string temporary = fmt::format("{}.{}-{}.part", path, getpid(), n_created++);
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd < 0) return io_error(temporary, "create");
  return NewFile(path, temporary, fd);
}

NewFile::NewFile(std::string path, std::string temporary_path, int fd)
    : path_(std::move(path)), temporary_path_(std::move(temporary_path)), fd_(fd) {
  buffer_.reserve(kBufferBytes);
}

NewFile::NewFile(NewFile&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_path_(std::move(other.temporary_path_)),
      fd_(std::exchange(other.fd_, -1)),
      n_written_(other.n_written_),
      n_reserved_(other.n_reserved_),
      is_broken_(other.is_broken_),
      buffer_(std::move(other.buffer_)) {}

NewFile& NewFile::operator=(NewFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(temporary_path_, other.temporary_path_);
  std::swap(fd_, other.fd_);
  std::swap(n_written_, other.n_written_);
  std::swap(n_reserved_, other.n_reserved_);
  std::swap(is_broken_, other.is_broken_);
  std::swap(buffer_, other.buffer_);
  return *this;
}

NewFile::~NewFile() {
  if (fd_ < 0) return;
  close(fd_);
  unlink(temporary_path_.c_str());
}

Result<void> NewFile::reserve(uint64_t n_bytes) {
  const auto n_free = free_bytes(folder_of(path_));
  if (n_free && n_bytes > size() && n_bytes - size() > *n_free) {
    return disk_full(path_, n_bytes - size());
  }
  n_reserved_ = n_bytes;
  if (n_bytes == 0) return {};
  // Where the file system cannot reserve, the check above has to do.
  if (fallocate(fd_, FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(n_bytes)) == 0) return {};
  if (is_disk_full(errno)) return disk_full(path_, n_bytes - size());
  return {};
}

Result<void> NewFile::write_out(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) is_broken_ = true;
    if (n < 0 && is_disk_full(errno)) {
      return disk_full(path_,
                       std::max<uint64_t>(n_reserved_, n_written_ + bytes.size()) - n_written_);
    }
    if (n < 0) return io_error(path_, "write");
    n_written_ += static_cast<uint64_t>(n);
    bytes = bytes.subspan(static_cast<size_t>(n));
  }
  return {};
}

Result<void> NewFile::flush() {
  TRY(write_out(std::exchange(buffer_, {})));
  buffer_.reserve(kBufferBytes);
  return {};
}

Result<void> NewFile::append(std::span<const std::byte> bytes) {
  if (buffer_.size() + bytes.size() > kBufferBytes) TRY(flush());
  if (bytes.size() >= kBufferBytes) return write_out(bytes);
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  return {};
}

Result<void> NewFile::append_zeros(uint64_t n_bytes) {
  const std::vector<std::byte> zeros(std::min<uint64_t>(n_bytes, kBufferBytes));
  while (n_bytes > 0) {
    const size_t n = std::min<uint64_t>(n_bytes, zeros.size());
    TRY(append(std::span(zeros).first(n)));
    n_bytes -= n;
  }
  return {};
}

Result<void> NewFile::commit() {
  if (is_broken_) return fail(ErrorCode::kIo, path_ + ": an earlier write failed");
  TRY(flush());
  // Gives back what was reserved and not written.
  if (ftruncate(fd_, static_cast<off_t>(n_written_)) != 0) return io_error(path_, "truncate");
  if (fsync(fd_) != 0) {
    return is_disk_full(errno) ? disk_full(path_, n_written_) : io_error(path_, "sync");
  }
  if (rename(temporary_path_.c_str(), path_.c_str()) != 0) return io_error(path_, "rename into");
  close(std::exchange(fd_, -1));
  return sync_folder();
}

Result<void> NewFile::sync_folder() const {
  const std::string folder = folder_of(path_);
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return io_error(folder, "open");
  const bool is_synced = fsync(fd) == 0 || errno == EINVAL;
  const auto error = io_error(folder, "sync");
  close(fd);
  if (!is_synced) return error;
  return {};
}

}  // namespace hearth
