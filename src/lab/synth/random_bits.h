// SplitMix64 (Steele, Lea, Flood 2014): a counter run through a mixer, so that any seed, 0 and 1
// too, starts a stream of its own.
#pragma once

#include <cstdint>

namespace hearth::lab {

constexpr uint64_t mix_bits(uint64_t x) {
  x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
  x = (x ^ x >> 27) * 0x94D049BB133111EBu;
  return x ^ x >> 31;
}

class RandomBits {
 public:
  explicit RandomBits(uint64_t seed) : state_(mix_bits(seed)) {}

  uint64_t next() { return mix_bits(state_ += 0x9E3779B97F4A7C15u); }
  float unit() { return static_cast<float>(next() >> 40) * 0x1p-24f; }  // in [0, 1)

 private:
  uint64_t state_;
};

}  // namespace hearth::lab
