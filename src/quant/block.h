// A block as a struct of its bytes: copied in and out, since bytes of a file have no alignment.
// Formats are little-endian, and so is every machine that we build for.
#pragma once

#include <bit>
#include <cstddef>
#include <cstring>

namespace hearth::quant {

static_assert(std::endian::native == std::endian::little);

template <class Block>
Block load_block(const std::byte* blocks, size_t index) {
  Block block;
  std::memcpy(&block, blocks + index * sizeof(Block), sizeof(Block));
  return block;
}

template <class Block>
void store_block(std::byte* blocks, size_t index, const Block& block) {
  std::memcpy(blocks + index * sizeof(Block), &block, sizeof(Block));
}

}  // namespace hearth::quant
