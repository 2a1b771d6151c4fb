// How much memory this process may still take.
#pragma once

#include <cstdint>
#include <string>

namespace hearth::models {

// The least of MemAvailable and what each control group above the process has left (version 1 or
// 2; page cache that can be dropped counts as left). UINT64_MAX where nothing says.
// root: where /proc and /sys are, for tests.
uint64_t available_memory_bytes(const std::string& root = "");

}  // namespace hearth::models
