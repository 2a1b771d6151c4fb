// A quick hash of short byte strings, for tables in memory only: not stable between versions.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace hearth::text {

inline uint64_t mix(uint64_t a, uint64_t b) {
  const auto product = static_cast<unsigned __int128>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

inline uint64_t hash_bytes(std::string_view text) {
  constexpr uint64_t kSeed = 0x9E3779B97F4A7C15;
  constexpr uint64_t kStep = 0xD6E8FEB86659FD93;
  uint64_t hash = kSeed ^ text.size();
  const char* at = text.data();
  size_t left = text.size();
  for (; left >= 8; left -= 8, at += 8) {
    uint64_t word;
    std::memcpy(&word, at, 8);
    hash = mix(hash ^ word, kStep);
  }
  uint64_t word = 0;
  for (size_t i = 0; i < left; ++i)
    word |= static_cast<uint64_t>(static_cast<uint8_t>(at[i])) << 8 * i;
  return mix(hash ^ word, kStep ^ kSeed);
}

}  // namespace hearth::text
