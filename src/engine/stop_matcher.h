// Finds stop strings in text that arrives in pieces, and says what may be shown meanwhile.
//
// The match is the stop string that is complete first; of several that are complete at the same
// byte, the longest. Text before it is emitted, it and all after it are not. Only bytes that may
// still become a stop string are held back. Linear time (Aho-Corasick). One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace hearth::engine {

class StopMatcher {
 public:
  // kInvalidArgument: an empty stop string, more than 64, or more than 64 KiB in all.
  static Result<StopMatcher> create(const std::vector<std::string>& stops);

  // Appends to `out` what may be emitted now. True once a stop string is complete; from then on
  // all text is swallowed.
  bool feed(std::string_view piece, std::string& out);
  // The text has ended: appends what was held back.
  void finish(std::string& out);
  // Index of the stop string that matched.
  std::optional<size_t> matched() const { return matched_; }

 private:
  struct Node {
    std::vector<std::pair<unsigned char, int32_t>> children;
    int32_t fallback = 0;  // node of the longest proper suffix that is in the tree
    size_t depth = 0;
    int32_t stop = -1;  // longest stop string that ends here, by index
    size_t stop_length = 0;
  };

  int32_t child(int32_t node, unsigned char byte) const;  // -1: none
  void add(const std::string& stop, int32_t index);
  void link();

  std::vector<Node> nodes_;
  int32_t at_ = 0;
  std::string held_;
  std::optional<size_t> matched_;
};

}  // namespace hearth::engine
