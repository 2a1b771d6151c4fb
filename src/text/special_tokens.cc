#include "text/special_tokens.h"

#include <algorithm>
#include <utility>

#include "text/hash.h"

namespace hearth::text {
namespace {

static_assert(kMaxSpecialBytes < 1u << 24, "a node and a byte make a key of 32 bits");

uint32_t edge_key(int32_t node, uint8_t byte) {
  return (static_cast<uint32_t>(node) << 8 | byte) + 1;
}

size_t slot_of(uint32_t key) { return mix(key, 0x9E3779B97F4A7C15); }

}  // namespace

SpecialTokens::SpecialTokens(const Vocabulary& vocabulary)
    : vocabulary_(vocabulary), nodes_(1), edges_(64) {
  parents_.emplace_back(0, 0);
  for (TokenId id = 0; id < vocabulary.size(); ++id) {
    const TokenKind kind = vocabulary.kind(id);
    const bool is_user_defined = kind == TokenKind::kUserDefined;
    if (is_user_defined || kind == TokenKind::kControl || kind == TokenKind::kUnknown) {
      add(vocabulary.bytes(id), id, is_user_defined);
    }
  }
  link_failures();
  parents_ = {};
}

void SpecialTokens::add(std::string_view text, TokenId id, bool is_user_defined) {
  if (text.empty()) return;
  int32_t node = 0;
  for (auto at = text.rbegin(); at != text.rend(); ++at) {
    const auto byte = static_cast<uint8_t>(*at);
    int32_t next = child(node, byte);
    if (next < 0) {
      next = static_cast<int32_t>(nodes_.size());
      nodes_.emplace_back();
      parents_.emplace_back(node, byte);
      insert_edge(node, byte, next);
    }
    node = next;
  }
  Node& end = nodes_[node];
  if (is_user_defined && end.own[0] == kNoToken) end.own[0] = id;
  if (end.own[1] == kNoToken) end.own[1] = id;
}

int32_t SpecialTokens::child(int32_t node, uint8_t byte) const {
  if (node == 0) return root_[byte] == 0 ? -1 : root_[byte];
  const uint32_t key = edge_key(node, byte);
  const size_t mask = edges_.size() - 1;
  for (size_t slot = slot_of(key) & mask;; slot = (slot + 1) & mask) {
    if (edges_[slot].key == key) return edges_[slot].target;
    if (edges_[slot].key == 0) return -1;
  }
}

void SpecialTokens::insert_edge(int32_t node, uint8_t byte, int32_t target) {
  if (node == 0) {
    root_[byte] = target;
    return;
  }
  const auto put = [this](Edge edge) {
    const size_t mask = edges_.size() - 1;
    size_t slot = slot_of(edge.key) & mask;
    while (edges_[slot].key != 0) slot = (slot + 1) & mask;
    edges_[slot] = edge;
  };
  if (++n_edges_ * 2 > edges_.size()) {
    const std::vector<Edge> old = std::exchange(edges_, std::vector<Edge>(edges_.size() * 2));
    for (const Edge& edge : old) {
      if (edge.key != 0) put(edge);
    }
  }
  put({edge_key(node, byte), target});
}

void SpecialTokens::link_failures() {
  std::vector<int32_t> depth(nodes_.size());
  std::vector<int32_t> order(nodes_.size());
  for (size_t i = 0; i < nodes_.size(); ++i) {
    if (i > 0) depth[i] = depth[parents_[i].first] + 1;
    order[i] = static_cast<int32_t>(i);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&depth](int32_t a, int32_t b) { return depth[a] < depth[b]; });
  for (const int32_t at : order) {
    Node& node = nodes_[at];
    const auto [parent, byte] = parents_[at];
    if (depth[at] > 1) {
      int32_t shorter = nodes_[parent].fail;
      while (shorter != 0 && child(shorter, byte) < 0) shorter = nodes_[shorter].fail;
      node.fail = std::max(child(shorter, byte), 0);
    }
    for (int any = 0; any < 2; ++any) {
      node.best[any] = node.own[any] != kNoToken ? node.own[any] : nodes_[node.fail].best[any];
    }
  }
}

std::vector<SpecialMatch> SpecialTokens::find(std::string_view text, bool parse_special) const {
  std::vector<SpecialMatch> longest;  // at each place where a token starts, from the last place on
  if (nodes_.size() == 1) return longest;
  int32_t node = 0;
  for (size_t i = text.size(); i-- > 0;) {
    const auto byte = static_cast<uint8_t>(text[i]);
    if (node == 0) {
      node = root_[byte];
      if (node == 0) continue;
    } else {
      int32_t next = child(node, byte);
      while (next < 0 && node != 0) {
        node = nodes_[node].fail;
        next = child(node, byte);
      }
      node = std::max(next, 0);
    }
    const TokenId id = nodes_[node].best[parse_special];
    if (id != kNoToken) longest.push_back({i, vocabulary_.bytes(id).size(), id});
  }
  std::vector<SpecialMatch> matches;
  size_t end = 0;
  for (auto match = longest.rbegin(); match != longest.rend(); ++match) {
    if (match->begin < end) continue;
    matches.push_back(*match);
    end = match->begin + match->n_bytes;
  }
  return matches;
}

}  // namespace hearth::text
