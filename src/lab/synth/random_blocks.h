// Random blocks of any number format, without an encoder: codes are drawn bit by bit, and the
// scales set so that the decoded values have mean 0 and a wanted deviation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "quant/type.h"

namespace hearth::lab {

// Which types RandomBlocks knows: all that decode to floats.
bool has_random_blocks(quant::Type type);

// Immutable; any thread may call.
class RandomBlocks {
 public:
  // CHECKs has_random_blocks(type). deviation: standard deviation of the values, about.
  RandomBlocks(quant::Type type, float deviation);

  // Whole blocks; the same bytes for the same seed.
  void fill(uint64_t seed, std::span<std::byte> blocks) const;

 private:
  quant::Type type_;
  float scale_;  // of a block, before it varies from block to block
};

}  // namespace hearth::lab
