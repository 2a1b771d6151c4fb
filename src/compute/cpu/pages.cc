#include "compute/cpu/pages.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <utility>

namespace hearth::compute::cpu {
namespace {

uint64_t physical_bytes() {
  const long pages = sysconf(_SC_PHYS_PAGES), page_bytes = sysconf(_SC_PAGE_SIZE);
  if (pages <= 0 || page_bytes <= 0) return UINT64_MAX;
  return static_cast<uint64_t>(pages) * static_cast<uint64_t>(page_bytes);
}

}  // namespace

Result<Pages> Pages::map(uint64_t n_bytes, std::string_view purpose) {
  Pages pages;
  if (n_bytes == 0) return pages;
  const uint64_t most = physical_bytes();
  void* data = MAP_FAILED;
  if (n_bytes <= most) {
    data = mmap(nullptr, n_bytes, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  }
  if (data == MAP_FAILED) {
    return fail(ErrorCode::kOutOfMemory, fmt::format("{} needs {} bytes, the machine has {} in all",
                                                     purpose, n_bytes, most));
  }
  pages.data_ = static_cast<std::byte*>(data);
  pages.size_ = n_bytes;
  return pages;
}

Pages::Pages(Pages&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

Pages& Pages::operator=(Pages&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

Pages::~Pages() {
  if (data_ != nullptr) munmap(data_, size_);
}

}  // namespace hearth::compute::cpu
