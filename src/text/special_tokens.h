// Finds tokens that are matched as written, before any merging: control tokens and user-defined
// ones. At each place the longest wins, and the leftmost goes first, as in the reference.
// Immutable; any thread may call.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "text/vocabulary.h"

namespace hearth::text {

struct SpecialMatch {
  size_t begin;
  size_t n_bytes;
  TokenId id;
};

class SpecialTokens {
 public:
  explicit SpecialTokens(const Vocabulary& vocabulary);

  // Non-overlapping matches in order. Time linear in text.size(), whatever the tokens are.
  // Control and unknown tokens are found only with `parse_special`.
  std::vector<SpecialMatch> find(std::string_view text, bool parse_special) const;

 private:
  // An Aho-Corasick automaton over the tokens spelled backwards, run over the text from its end:
  // the longest token that a state ends with is the longest that starts at the place just read.
  struct Node {
    int32_t fail = 0;
    TokenId own[2] = {kNoToken, kNoToken};   // token spelled by this node: [user-defined, any]
    TokenId best[2] = {kNoToken, kNoToken};  // longest one that the node's text ends with
  };
  struct Edge {
    uint32_t key;  // node << 8 | byte, plus 1; 0 is an empty slot
    int32_t target;
  };

  void add(std::string_view text, TokenId id, bool is_user_defined);
  int32_t child(int32_t node, uint8_t byte) const;  // -1 if none
  void insert_edge(int32_t node, uint8_t byte, int32_t target);
  void link_failures();

  const Vocabulary& vocabulary_;
  std::vector<Node> nodes_;
  std::vector<Edge> edges_;  // open addressing, power of two
  size_t n_edges_ = 0;
  std::array<int32_t, 256> root_{};                   // children of the root; 0 if none
  std::vector<std::pair<int32_t, uint8_t>> parents_;  // of each node; only while building
};

}  // namespace hearth::text
