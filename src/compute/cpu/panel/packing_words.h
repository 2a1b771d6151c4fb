// Eight bytes of a block at a time as one integer, byte 0 lowest: what packing works with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace hearth::compute::cpu {

constexpr uint64_t kEach = 0x0101010101010101u;  // times a byte: that byte in each of eight

inline uint64_t load64(const std::byte* from) {
  uint64_t value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

inline void store64(uint8_t* to, uint64_t value) { std::memcpy(to, &value, sizeof value); }

// Bit i of a byte to bit 0 of byte i.
constexpr uint64_t spread_bits(uint64_t byte) {
  return ((byte & 127) * 0x0002040810204081u & kEach) | byte >> 7 << 56;
}

// Nibble i of 32 bits to the low nibble of byte i.
constexpr uint64_t spread_nibbles(uint64_t nibbles) {
  nibbles = (nibbles | nibbles << 16) & 0x0000FFFF0000FFFFu;
  nibbles = (nibbles | nibbles << 8) & 0x00FF00FF00FF00FFu;
  return (nibbles | nibbles << 4) & 0x0F0F0F0F0F0F0F0Fu;
}

}  // namespace hearth::compute::cpu
