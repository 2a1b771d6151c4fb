// Where a growing text said its last tokens before.
//
// Hash tables of a fixed size, one a length: an occurrence may be forgotten, but a match always is
// one, since tokens are compared. A token takes constant time and no memory.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "text/tokenizer.h"

namespace hearth::engine {

class NgramIndex {
 public:
  static constexpr std::array<int32_t, 4> kLengths = {2, 3, 5, 8};  // looked up, longest first
  static constexpr int32_t kMostMatched = 32;

  struct Match {
    int32_t next;    // the position after the earlier occurrence
    int32_t length;  // tokens there that equal the last ones: at least 2, counted to kMostMatched
  };

  // For texts of max_len tokens; takes 64 bytes a token, 1 MiB at most.
  explicit NgramIndex(int32_t max_len);

  void clear();

  // Reads on in `text`, which begins with what was read since clear(), and looks its last tokens
  // up: the latest earlier occurrence of the longest run of them that kLengths has.
  std::optional<Match> read(std::span<const text::TokenId> text);

 private:
  using Positions = std::array<int32_t, kLengths.size()>;
  Positions replace_last(std::span<const text::TokenId> text);

  int32_t slot_bits_;
  size_t n_read_ = 0;
  std::vector<int32_t> slots_;  // [kLengths, 2^slot_bits_]: positions after an occurrence; 0: none
};

}  // namespace hearth::engine
