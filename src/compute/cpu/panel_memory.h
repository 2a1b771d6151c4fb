// Memory of the packed weights and of quantized rows: 64-byte aligned, not set to zero.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "base/checked_math.h"

namespace hearth::compute::cpu {

struct FreeMemory {
  void operator()(void* memory) const { std::free(memory); }
};

template <class T>
using PanelMemory = std::unique_ptr<T[], FreeMemory>;

// Null if it cannot be had.
template <class T>
PanelMemory<T> allocate_panel_memory(uint64_t n) {
  const auto bytes = checked_mul<uint64_t>(n, sizeof(T));
  const auto rounded = bytes ? checked_round_up<uint64_t>(*bytes + (*bytes == 0), 64) : bytes;
  if (!rounded || *rounded > SIZE_MAX / 2) return nullptr;
  return PanelMemory<T>(static_cast<T*>(std::aligned_alloc(64, *rounded)));
}

}  // namespace hearth::compute::cpu
