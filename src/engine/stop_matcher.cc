#include "engine/stop_matcher.h"

#include <fmt/format.h>

namespace hearth::engine {
namespace {
constexpr size_t kMaxStops = 64;
constexpr size_t kMaxTotalBytes = 64u << 10;
}  // namespace

Result<StopMatcher> StopMatcher::create(const std::vector<std::string>& stops) {
  size_t total = 0;
  for (const std::string& stop : stops) {
    if (stop.empty()) return fail(ErrorCode::kInvalidArgument, "stop: a stop string is empty");
    total += stop.size();
  }
  if (stops.size() > kMaxStops || total > kMaxTotalBytes) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("stop: {} strings of {} bytes in all; at most {} and {} are taken",
                            stops.size(), total, kMaxStops, kMaxTotalBytes));
  }
  StopMatcher matcher;
  matcher.nodes_.resize(1);
  for (size_t i = 0; i < stops.size(); ++i) matcher.add(stops[i], static_cast<int32_t>(i));
  matcher.link();
  return matcher;
}

int32_t StopMatcher::child(int32_t node, unsigned char byte) const {
  for (const auto& [key, next] : nodes_[static_cast<size_t>(node)].children) {
    if (key == byte) return next;
  }
  return -1;
}

void StopMatcher::add(const std::string& stop, int32_t index) {
  int32_t node = 0;
  for (const char c : stop) {
    const auto byte = static_cast<unsigned char>(c);
    int32_t next = child(node, byte);
    if (next < 0) {
      next = static_cast<int32_t>(nodes_.size());
      nodes_[static_cast<size_t>(node)].children.emplace_back(byte, next);
      nodes_.emplace_back().depth = nodes_[static_cast<size_t>(node)].depth + 1;
    }
    node = next;
  }
  Node& end = nodes_[static_cast<size_t>(node)];
  if (end.stop >= 0) return;  // listed twice
  end.stop = index;
  end.stop_length = stop.size();
}

void StopMatcher::link() {
  std::vector<int32_t> queue = {0};
  for (size_t i = 0; i < queue.size(); ++i) {
    const int32_t parent = queue[i];
    for (const auto& [byte, node] : nodes_[static_cast<size_t>(parent)].children) {
      Node& linked = nodes_[static_cast<size_t>(node)];
      if (parent != 0) {
        int32_t suffix = nodes_[static_cast<size_t>(parent)].fallback;
        while (suffix != 0 && child(suffix, byte) < 0) {
          suffix = nodes_[static_cast<size_t>(suffix)].fallback;
        }
        linked.fallback = std::max(child(suffix, byte), 0);
      }
      const Node& suffix = nodes_[static_cast<size_t>(linked.fallback)];
      if (linked.stop < 0) {
        linked.stop = suffix.stop;
        linked.stop_length = suffix.stop_length;
      }
      queue.push_back(node);
    }
  }
}

bool StopMatcher::feed(std::string_view piece, std::string& out) {
  if (matched_) return true;
  for (const char c : piece) {
    const auto byte = static_cast<unsigned char>(c);
    held_ += c;
    while (at_ != 0 && child(at_, byte) < 0) at_ = nodes_[static_cast<size_t>(at_)].fallback;
    at_ = std::max(child(at_, byte), 0);
    const Node& node = nodes_[static_cast<size_t>(at_)];
    if (node.stop < 0) continue;
    matched_ = static_cast<size_t>(node.stop);
    out.append(held_, 0, held_.size() - node.stop_length);
    held_.clear();
    return true;
  }
  const size_t n_free = held_.size() - nodes_[static_cast<size_t>(at_)].depth;
  out.append(held_, 0, n_free);
  held_.erase(0, n_free);
  return false;
}

void StopMatcher::finish(std::string& out) {
  if (!matched_) out += held_;
  held_.clear();
  at_ = 0;
}

}  // namespace hearth::engine
