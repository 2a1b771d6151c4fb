// Zeroed memory straight from the kernel, 64-byte aligned at least: a page that is never touched
// costs nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace hearth::compute::cpu {

class Pages {
 public:
  // kOutOfMemory, with the numbers, for more than the machine has or the system grants.
  static Result<Pages> map(uint64_t n_bytes, std::string_view purpose);

  Pages() = default;
  Pages(Pages&& other) noexcept;
  Pages& operator=(Pages&& other) noexcept;
  ~Pages();

  std::byte* data() const { return data_; }
  float* floats() const { return reinterpret_cast<float*>(data_); }
  uint64_t size() const { return size_; }

 private:
  std::byte* data_ = nullptr;
  uint64_t size_ = 0;
};

}  // namespace hearth::compute::cpu
