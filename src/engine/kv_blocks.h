// Which blocks of the KV cache are in use, and by how many owners.
//
// A block holds compute::kKvBlockTokens positions of all layers. Owners are sequences and
// the prefix tree; a block with several is never written to. One thread at a time.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"

namespace hearth::engine {

class KvBlocks {
 public:
  explicit KvBlocks(int32_t n_blocks);

  // A free block with one owner. kLimitExceeded if none is free.
  Result<int32_t> allocate();
  void retain(int32_t block);   // one more owner of a block in use
  void release(int32_t block);  // free when the last owner goes

  int32_t n_blocks() const { return static_cast<int32_t>(n_owners_.size()); }
  int32_t n_free() const { return static_cast<int32_t>(free_.size()); }
  int32_t n_owners(int32_t block) const { return n_owners_[static_cast<size_t>(block)]; }

  // CHECKs that every block is either free, once, or owned.
  void check_integrity() const;

 private:
  std::vector<int32_t> n_owners_;  // by block; 0: free
  std::vector<int32_t> free_;      // the next one to hand out is the last
};

}  // namespace hearth::engine
