#include "engine/sequence.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "compute/batch.h"

namespace hearth::engine {

using compute::kKvBlockTokens;
using compute::kv_blocks_for;

Sequence::Sequence(KvBlocks& blocks, int32_t max_len) : blocks_(blocks), max_len_(max_len) {
  tokens_.reserve(static_cast<size_t>(max_len));
  block_table_.reserve(static_cast<size_t>(kv_blocks_for(max_len)));
}

Sequence::~Sequence() {
  for (const int32_t block : block_table_) blocks_.release(block);
}

Result<void> Sequence::set_tokens(std::span<const text::TokenId> tokens) {
  if (tokens.size() > static_cast<size_t>(max_len_)) {
    return fail(ErrorCode::kContextExceeded,
                fmt::format("the prompt has {} tokens, the context holds {} (n_ctx); shorten it or "
                            "raise --ctx",
                            tokens.size(), max_len_));
  }
  const auto differs = std::mismatch(tokens_.begin(), tokens_.end(), tokens.begin(), tokens.end());
  const auto common = static_cast<int32_t>(differs.first - tokens_.begin());
  shrink_cache(std::min(cached_len_, common));
  tokens_.assign(tokens.begin(), tokens.end());
  check();
  return {};
}

void Sequence::append(text::TokenId token) {
  tokens_.push_back(token);
  check();
}

int32_t Sequence::n_missing_blocks(int32_t n_positions) const {
  return kv_blocks_for(n_positions) - static_cast<int32_t>(block_table_.size());
}

Result<void> Sequence::reserve(int32_t n_positions) {
  CHECK(n_positions <= max_len_);
  CHECK(n_positions <= cached_len_ || !is_shared(cached_len_));
  while (n_missing_blocks(n_positions) > 0) {
    block_table_.push_back(TRY(blocks_.allocate()));
  }
  return {};
}

void Sequence::mark_cached(int32_t length) {
  CHECK(length >= cached_len_ &&
        kv_blocks_for(length) <= static_cast<int32_t>(block_table_.size()));
  cached_len_ = length;
  check();
}

void Sequence::share(std::span<const int32_t> blocks) {
  const auto n_positions = static_cast<int32_t>(blocks.size()) * kKvBlockTokens;
  CHECK(n_positions <= n_tokens());
  for (const int32_t block : blocks) blocks_.retain(block);
  const size_t n_replaced = std::min(blocks.size(), block_table_.size());
  for (size_t i = 0; i < n_replaced; ++i) blocks_.release(block_table_[i]);
  block_table_.resize(std::max(blocks.size(), block_table_.size()));
  std::ranges::copy(blocks, block_table_.begin());
  cached_len_ = std::max(cached_len_, n_positions);
  check();
}

void Sequence::shrink_cache(int32_t length) {
  CHECK(length >= 0 && length <= cached_len_);
  if (is_shared(length)) length -= length % kKvBlockTokens;
  cached_len_ = length;
  while (n_missing_blocks(length) < 0) {
    blocks_.release(block_table_.back());
    block_table_.pop_back();
  }
}

bool Sequence::is_shared(int32_t position) const {
  const auto index = static_cast<size_t>(position / kKvBlockTokens);
  return index < block_table_.size() && blocks_.n_owners(block_table_[index]) > 1;
}

void Sequence::check() const {
  CHECK(0 <= cached_len_);
  CHECK(cached_len_ <= n_tokens());
  CHECK(n_tokens() <= max_len_);
}

}  // namespace hearth::engine
