#include "engine/kv_blocks.h"

#include <fmt/format.h>

#include "base/check.h"

namespace hearth::engine {

KvBlocks::KvBlocks(int32_t n_blocks) {
  CHECK(n_blocks >= 0);
  n_owners_.resize(static_cast<size_t>(n_blocks), 0);
  for (int32_t block = n_blocks - 1; block >= 0; --block) free_.push_back(block);
}

Result<int32_t> KvBlocks::allocate() {
  if (free_.empty()) {
    return fail(ErrorCode::kLimitExceeded,
                fmt::format("all {} blocks of the KV cache are in use", n_blocks()));
  }
  const int32_t block = free_.back();
  free_.pop_back();
  n_owners_[static_cast<size_t>(block)] = 1;
  return block;
}

void KvBlocks::retain(int32_t block) {
  CHECK(block >= 0 && block < n_blocks() && n_owners(block) > 0);
  ++n_owners_[static_cast<size_t>(block)];
}

void KvBlocks::release(int32_t block) {
  CHECK(block >= 0 && block < n_blocks() && n_owners(block) > 0);
  if (--n_owners_[static_cast<size_t>(block)] == 0) free_.push_back(block);
}

void KvBlocks::check_integrity() const {
  std::vector<bool> is_free(n_owners_.size(), false);
  for (const int32_t block : free_) {
    CHECK(block >= 0 && block < n_blocks());
    CHECK(!is_free[static_cast<size_t>(block)]);
    is_free[static_cast<size_t>(block)] = true;
  }
  for (size_t block = 0; block < n_owners_.size(); ++block) {
    CHECK(n_owners_[block] >= 0);
    CHECK(is_free[block] == (n_owners_[block] == 0));
  }
}

}  // namespace hearth::engine
