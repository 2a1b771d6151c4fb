// The tokens of words met before. Bounded: a word takes the place of an older one. Not thread-safe.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "text/hash.h"
#include "text/tokenizer.h"

namespace hearth::text {

class WordCache {
 public:
  static constexpr size_t kMaxWordBytes = 31;
  static constexpr size_t kMaxTokens = 7;

  struct Key {
    std::array<uint64_t, 4> words;  // the bytes, zeros, and the length in the last byte
    bool operator==(const Key&) const = default;
  };
  struct alignas(64) Entry {  // one cache line
    Key key;
    TokenId ids[kMaxTokens];
    uint32_t n_ids;
  };
  static_assert(sizeof(Entry) == 64);

  WordCache() : entries_(kEntries) {}

  // The key of text[begin, begin + n_bytes), 1 <= n_bytes <= kMaxWordBytes.
  static Key key_of(std::string_view text, size_t begin, size_t n_bytes) {
    Key key{};
    if (begin + sizeof(Key) <= text.size()) {
      std::memcpy(&key, text.data() + begin, sizeof(Key));
      for (size_t i = 0; i < 4; ++i) key.words[i] &= kMasks[n_bytes][i];
    } else {
      std::memcpy(&key, text.data() + begin, n_bytes);
    }
    key.words[3] |= static_cast<uint64_t>(n_bytes) << 56;
    return key;
  }

  // The word's own entry, or the one to overwrite.
  Entry& entry(const Key& key) {
    const auto& w = key.words;
    const uint64_t hash = mix(w[0] ^ 0x9E3779B97F4A7C15, w[1] ^ 0xD6E8FEB86659FD93) ^
                          mix(w[2] ^ 0xA0761D6478BD642F, w[3] ^ 0xE7037ED1A0B428DB);
    return entries_[hash % kEntries];
  }

  static void store(Entry& entry, const Key& key, std::span<const TokenId> ids) {
    if (ids.size() > kMaxTokens) return;
    entry.key = key;
    entry.n_ids = static_cast<uint32_t>(ids.size());
    std::copy(ids.begin(), ids.end(), entry.ids);
  }

 private:
  static constexpr size_t kEntries = 1u << 14;  // 1 MiB: stays in a core's second-level cache

  static constexpr auto kMasks = [] {
    std::array<std::array<uint64_t, 4>, kMaxWordBytes + 1> masks{};
    for (size_t n = 0; n < masks.size(); ++n) {
      for (size_t byte = 0; byte < n; ++byte) {
        masks[n][byte / 8] |= uint64_t{0xFF} << 8 * (byte % 8);
      }
    }
    return masks;
  }();

  std::vector<Entry> entries_;
};

}  // namespace hearth::text
