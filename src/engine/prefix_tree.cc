#include "engine/prefix_tree.h"

#include <algorithm>

#include "base/check.h"

namespace hearth::engine {
namespace {

using compute::kKvBlockTokens;
using text::TokenId;

size_t n_common(std::span<const TokenId> a, std::span<const TokenId> b) {
  return static_cast<size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
}

}  // namespace

PrefixTree::PrefixTree(KvBlocks& blocks)
    : blocks_(blocks), nodes_(static_cast<size_t>(blocks.n_blocks())) {}

PrefixTree::~PrefixTree() {
  for (int32_t block = 0; block < blocks_.n_blocks(); ++block) {
    if (node(block).is_used) blocks_.release(block);
  }
}

PrefixTree::Match PrefixTree::find(const std::string& tenant, std::span<const TokenId> tokens) {
  Match match;
  const auto found = tenants_.find(tenant);
  if (found == tenants_.end()) return match;
  const Children* children = &found->second;
  BlockTokens key;
  std::span<const TokenId> rest = tokens;
  Children::const_iterator next;
  while (true) {
    // A token that no text has fills up what is less than a block.
    key.fill(-1);
    std::ranges::copy(rest.first(std::min(rest.size(), key.size())), key.begin());
    next = children->lower_bound(key);
    if (next == children->end() || next->first != key) break;
    match.blocks.push_back(next->second);
    children = &node(next->second).children;
    rest = rest.subspan(key.size());
  }
  touch(match.blocks);
  if (children->empty() || rest.empty()) return match;
  // The child that agrees the longest is a neighbour in order.
  size_t n_agreeing = 0;
  if (next != children->end()) n_agreeing = n_common(rest, next->first);
  if (next != children->begin()) {
    n_agreeing = std::max(n_agreeing, n_common(rest, std::prev(next)->first));
  }
  if (n_agreeing < rest.size()) {
    match.diverged_at = static_cast<int32_t>(tokens.size() - rest.size() + n_agreeing);
  }
  return match;
}

std::vector<int32_t> PrefixTree::insert(const std::string& tenant, std::span<const TokenId> tokens,
                                        std::span<const int32_t> blocks) {
  std::vector<int32_t> path;
  const size_t n_whole = tokens.size() / kKvBlockTokens;
  CHECK(blocks.size() >= n_whole);
  if (n_whole == 0) return path;
  const auto of_tenant = tenants_.try_emplace(tenant).first;
  BlockTokens key;
  for (size_t i = 0; i < n_whole; ++i) {
    std::ranges::copy(tokens.subspan(i * key.size(), key.size()), key.begin());
    const int32_t parent = path.empty() ? kRoot : path.back();
    const Children& children = parent == kRoot ? of_tenant->second : node(parent).children;
    const auto found = children.find(key);
    if (found == children.end()) add(of_tenant, parent, key, blocks[i]);
    path.push_back(found == children.end() ? blocks[i] : found->second);
  }
  touch(path);
  return path;
}

PrefixTree::Children& PrefixTree::siblings(const Node& child) {
  return child.parent == kRoot ? child.tenant->second : node(child.parent).children;
}

void PrefixTree::add(Tenants::iterator tenant, int32_t parent, const BlockTokens& tokens,
                     int32_t block) {
  Node& added = node(block);
  CHECK(!added.is_used);
  blocks_.retain(block);
  added = {true, parent, tokens, {}, tenant, ++n_uses_};
  siblings(added).emplace(tokens, block);
  if (parent != kRoot) leaves_.erase(node(parent).last_use);
  leaves_.emplace(added.last_use, block);
  ++n_blocks_;
}

void PrefixTree::remove(int32_t leaf) {
  Node& removed = node(leaf);
  CHECK(removed.is_used && removed.children.empty());
  Children& family = siblings(removed);
  family.erase(removed.tokens);
  leaves_.erase(removed.last_use);
  if (family.empty()) {
    if (removed.parent == kRoot) {
      tenants_.erase(removed.tenant);
    } else {
      leaves_.emplace(node(removed.parent).last_use, removed.parent);
    }
  }
  removed.is_used = false;
  blocks_.release(leaf);
  --n_blocks_;
}

// A block is used whenever one that follows it is, and counts as used just after it: it goes last.
void PrefixTree::touch(std::span<const int32_t> path) {
  n_uses_ += path.size();
  uint64_t use = n_uses_;
  for (const int32_t block : path) {
    Node& touched = node(block);
    if (touched.children.empty()) {
      leaves_.erase(touched.last_use);
      leaves_.emplace(use, block);
    }
    touched.last_use = use--;
  }
}

int32_t PrefixTree::evict(int32_t n_blocks) {
  int32_t n_evicted = 0;
  auto leaf = leaves_.begin();
  while (n_evicted < n_blocks && leaf != leaves_.end()) {
    const auto [use, block] = *leaf;
    if (blocks_.n_owners(block) > 1) {
      ++leaf;
      continue;
    }
    remove(block);  // its parent, if that is a leaf now, was used later
    ++n_evicted;
    leaf = leaves_.upper_bound(use);
  }
  return n_evicted;
}

int32_t PrefixTree::n_evictable() const {
  int32_t n = 0;
  for (int32_t block = 0; block < blocks_.n_blocks(); ++block) {
    n += node(block).is_used && blocks_.n_owners(block) == 1;
  }
  return n;
}

void PrefixTree::check_integrity() const {
  int32_t n_used = 0, n_leaves = 0, n_listed = 0;
  const auto check_children = [&](const Children& children, int32_t parent) {
    for (const auto& [tokens, block] : children) {
      const Node& child = node(block);
      CHECK(child.is_used && child.parent == parent && child.tokens == tokens);
      CHECK(parent == kRoot || child.last_use < node(parent).last_use);
      CHECK(parent == kRoot || child.tenant == node(parent).tenant);
      ++n_listed;
    }
  };
  for (const auto& [tenant, children] : tenants_) {
    CHECK(!children.empty());
    check_children(children, kRoot);
  }
  for (int32_t block = 0; block < blocks_.n_blocks(); ++block) {
    const Node& used = node(block);
    if (!used.is_used) continue;
    ++n_used;
    CHECK(blocks_.n_owners(block) > 0 && used.last_use <= n_uses_);
    check_children(used.children, block);
    if (!used.children.empty()) continue;
    ++n_leaves;
    const auto leaf = leaves_.find(used.last_use);
    CHECK(leaf != leaves_.end() && leaf->second == block);
  }
  CHECK(n_used == n_blocks_ && n_listed == n_blocks_);
  CHECK(n_leaves == static_cast<int32_t>(leaves_.size()));
}

}  // namespace hearth::engine
