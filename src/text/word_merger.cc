#include "text/word_merger.h"

#include <functional>
#include <utility>

#include "text/hash.h"

namespace hearth::text {
namespace {

size_t slot_of(uint32_t priority) { return mix(priority + uint64_t{1}, 0x9E3779B97F4A7C15); }

template <class T>
void push_least(std::vector<T>& heap, T value) {
  heap.push_back(value);
  std::push_heap(heap.begin(), heap.end(), std::greater<>());
}

template <class T>
void pop_least(std::vector<T>& heap) {
  std::pop_heap(heap.begin(), heap.end(), std::greater<>());
  heap.pop_back();
}

}  // namespace

void PairQueue::clear() {
  n_lists_ = 0;
  order_.clear();
  std::fill(slots_.begin(), slots_.end(), Slot{});
}

PairQueue::List& PairQueue::list_of(uint32_t priority) {
  if ((n_lists_ + 1) * 2 > slots_.size()) grow_slots();
  const size_t mask = slots_.size() - 1;
  size_t slot = slot_of(priority) & mask;
  while (slots_[slot].list != kEmpty && slots_[slot].priority != priority) slot = (slot + 1) & mask;
  if (slots_[slot].list == kEmpty) {
    slots_[slot] = {priority, static_cast<uint32_t>(n_lists_)};
    if (n_lists_ == lists_.size()) lists_.emplace_back();
    List& list = lists_[n_lists_++];
    list.priority = priority;
    list.is_waiting = false;
    list.is_sorted = true;
    list.n_taken = 0;
    list.places.clear();
    list.late.clear();
  }
  return lists_[slots_[slot].list];
}

void PairQueue::grow_slots() {
  slots_.assign(std::max<size_t>(64, slots_.size() * 2), Slot{});
  const size_t mask = slots_.size() - 1;
  for (size_t i = 0; i < n_lists_; ++i) {
    size_t slot = slot_of(lists_[i].priority) & mask;
    while (slots_[slot].list != kEmpty) slot = (slot + 1) & mask;
    slots_[slot] = {lists_[i].priority, static_cast<uint32_t>(i)};
  }
}

void PairQueue::push(Pair pair) {
  List& list = list_of(pair.priority);
  const bool is_ordered = list.places.empty() || list.places.back() <= pair.at;
  if (is_ordered || list.n_taken == 0) {
    list.places.push_back(pair.at);
    list.is_sorted &= is_ordered;
  } else {
    push_least(list.late, pair.at);
  }
  if (list.is_waiting) return;
  list.is_waiting = true;
  push_least(order_, static_cast<uint64_t>(pair.priority) << 32 |
                         static_cast<uint64_t>(&list - lists_.data()));
}

std::optional<uint32_t> PairQueue::take(List& list) {
  if (!list.is_sorted) {
    std::sort(list.places.begin(), list.places.end());
    list.is_sorted = true;
  }
  const bool has_places = list.n_taken < list.places.size();
  if (!list.late.empty() && (!has_places || list.late.front() < list.places[list.n_taken])) {
    const uint32_t at = list.late.front();
    pop_least(list.late);
    return at;
  }
  if (!has_places) return std::nullopt;
  return list.places[list.n_taken++];
}

std::optional<PairQueue::Pair> PairQueue::pop() {
  while (!order_.empty()) {
    List& list = lists_[static_cast<uint32_t>(order_.front())];
    if (const auto at = take(list)) return Pair{list.priority, *at};
    list.is_waiting = false;
    pop_least(order_);
  }
  return std::nullopt;
}

}  // namespace hearth::text
