// KV blocks kept for prompts to come, found by the tokens that they hold.
//
// A radix tree whose edges are whole blocks of compute::kKvBlockTokens tokens: a node stands for
// one block, and what it holds depends on every token on the way to it. The tree is one owner of
// each of its blocks beside the sequences that use them; a block that nobody else owns can be
// evicted. Tenants have trees of their own, so that none learns from a short wait what another has
// asked. One thread.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "compute/batch.h"
#include "engine/kv_blocks.h"
#include "text/tokenizer.h"

namespace hearth::engine {

class PrefixTree {
 public:
  // `blocks` must outlive the tree.
  explicit PrefixTree(KvBlocks& blocks);
  ~PrefixTree();
  PrefixTree(const PrefixTree&) = delete;
  PrefixTree& operator=(const PrefixTree&) = delete;

  struct Match {
    // Of the longest prefix that the tree has. Those that the caller does not retain stand until
    // evict().
    std::vector<int32_t> blocks;
    // The first token that differs from the sequence in the tree that agrees the longest. None
    // where no sequence differs: one of them goes on from here, or ends.
    std::optional<int32_t> diverged_at;
  };
  // Blocks that it finds are the last to be evicted.
  Match find(const std::string& tenant, std::span<const text::TokenId> tokens);

  // Adds what it lacks of the whole blocks of `tokens`, whose K and V are in blocks[0],
  // blocks[1]... Gives the tree's own blocks for all of them, which the caller may take for those
  // it has.
  std::vector<int32_t> insert(const std::string& tenant, std::span<const text::TokenId> tokens,
                              std::span<const int32_t> blocks);

  // Frees up to n_blocks of those with no other owner, the least recently used first and none
  // before the blocks that follow it. Gives their number.
  int32_t evict(int32_t n_blocks);

  int32_t n_blocks() const { return n_blocks_; }
  // Blocks with no other owner. All can be evicted as long as a sequence that owns one of the
  // tree's blocks owns those on the way to it. Takes time with the tree's size.
  int32_t n_evictable() const;

  // CHECKs the tree's links, order of use and ownership.
  void check_integrity() const;

 private:
  using BlockTokens = std::array<text::TokenId, compute::kKvBlockTokens>;
  using Children = std::map<BlockTokens, int32_t>;  // blocks
  using Tenants = std::map<std::string, Children>;  // without empty ones

  static constexpr int32_t kRoot = -1;

  struct Node {
    bool is_used = false;
    int32_t parent = kRoot;
    BlockTokens tokens;
    Children children;
    Tenants::iterator tenant;
    uint64_t last_use = 0;
  };

  Node& node(int32_t block) { return nodes_[static_cast<size_t>(block)]; }
  const Node& node(int32_t block) const { return nodes_[static_cast<size_t>(block)]; }
  Children& siblings(const Node& node);
  void add(Tenants::iterator tenant, int32_t parent, const BlockTokens& tokens, int32_t block);
  void remove(int32_t leaf);
  void touch(std::span<const int32_t> path);

  KvBlocks& blocks_;
  std::vector<Node> nodes_;  // by block
  Tenants tenants_;
  std::map<uint64_t, int32_t> leaves_;  // by last use
  uint64_t n_uses_ = 0;
  int32_t n_blocks_ = 0;
};

}  // namespace hearth::engine
