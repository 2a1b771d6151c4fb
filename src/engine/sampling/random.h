// PCG32 (O'Neill 2014, XSH-RR 64/32): small, fast, and the same on every platform.
#pragma once

#include <cstdint>

namespace hearth::engine {

class Pcg32 {
 public:
  explicit Pcg32(uint64_t seed) {
    next();
    state_ += seed;
    next();
  }

  uint32_t next() {
    const uint64_t old = state_;
    state_ = old * 6364136223846793005u + 1442695040888963407u;
    const uint32_t shifted = static_cast<uint32_t>(((old >> 18) ^ old) >> 27);
    const uint32_t rotation = static_cast<uint32_t>(old >> 59);
    return shifted >> rotation | shifted << (-rotation & 31u);
  }

  // In [0, 1), with 53 random bits: 32 of one draw, then 21 of the next.
  double uniform() {
    const uint64_t high = next();
    const uint64_t low = next() >> 11;
    return static_cast<double>(high << 21 | low) * 0x1p-53;
  }

 private:
  uint64_t state_ = 0;
};

}  // namespace hearth::engine
