#include "text/word_merger.h"

namespace hearth::text {

void WordMerger::push(uint32_t priority, uint32_t at) {
  heap_.push_back(static_cast<uint64_t>(priority) << 32 | at);
  std::push_heap(heap_.begin(), heap_.end(), std::greater<>());
}

uint64_t WordMerger::pop() {
  std::pop_heap(heap_.begin(), heap_.end(), std::greater<>());
  const uint64_t top = heap_.back();
  heap_.pop_back();
  return top;
}

}  // namespace hearth::text
