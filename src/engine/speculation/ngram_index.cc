#include "engine/speculation/ngram_index.h"

#include <algorithm>
#include <bit>

#include "base/check.h"

namespace hearth::engine {
namespace {

constexpr int32_t kLeastSlotBits = 4, kMostSlotBits = 16;

// The high bits depend on all tokens.
uint64_t mix(uint64_t hash, text::TokenId token) {
  constexpr uint64_t kMultiplier = 0x9E3779B97F4A7C15;  // odd; 2^64 divided by the golden ratio
  return (hash ^ static_cast<uint32_t>(token)) * kMultiplier;
}

int32_t matched_length(std::span<const text::TokenId> text, int32_t next) {
  const auto end = static_cast<int32_t>(text.size());
  const int32_t most = std::min(next, NgramIndex::kMostMatched);
  int32_t length = 0;
  while (length < most && text[static_cast<size_t>(next - 1 - length)] ==
                              text[static_cast<size_t>(end - 1 - length)]) {
    ++length;
  }
  return length;
}

}  // namespace

NgramIndex::NgramIndex(int32_t max_len)
    : slot_bits_(std::clamp<int32_t>(std::bit_width(static_cast<uint32_t>(2 * max_len)),
                                     kLeastSlotBits, kMostSlotBits)),
      slots_(kLengths.size() << slot_bits_) {}

void NgramIndex::clear() {
  if (n_read_ > 0) std::ranges::fill(slots_, 0);
  n_read_ = 0;
}

std::optional<NgramIndex::Match> NgramIndex::read(std::span<const text::TokenId> text) {
  CHECK(text.size() >= n_read_);
  Positions earlier = {};
  while (n_read_ < text.size()) earlier = replace_last(text.first(++n_read_));
  for (size_t i = kLengths.size(); i-- > 0;) {
    if (earlier[i] == 0) continue;
    const int32_t length = matched_length(text, earlier[i]);
    if (length >= kLengths[i]) return Match{earlier[i], length};
  }
  return std::nullopt;
}

// Notes where the last tokens of `text` are, and gives where they were before.
NgramIndex::Positions NgramIndex::replace_last(std::span<const text::TokenId> text) {
  Positions earlier = {};
  uint64_t hash = 0;
  size_t n_hashed = 0;
  for (size_t i = 0; i < kLengths.size(); ++i) {
    const auto length = static_cast<size_t>(kLengths[i]);
    if (text.size() < length) break;
    while (n_hashed < length) hash = mix(hash, text[text.size() - ++n_hashed]);
    int32_t& slot = slots_[(i << slot_bits_) + (hash >> (64 - slot_bits_))];
    earlier[i] = slot;
    slot = static_cast<int32_t>(text.size());
  }
  return earlier;
}

}  // namespace hearth::engine
