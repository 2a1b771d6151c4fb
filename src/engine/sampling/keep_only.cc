#include "engine/sampling/keep_only.h"

#include <algorithm>
#include <limits>

namespace hearth::engine {

void keep_only(std::span<const uint32_t> allowed, std::span<float> logits) {
  constexpr float kOut = -std::numeric_limits<float>::infinity();
  for (size_t begin = 0; begin < logits.size(); begin += 32) {
    const uint32_t word = begin / 32 < allowed.size() ? allowed[begin / 32] : 0;
    const std::span<float> part =
        logits.subspan(begin, std::min<size_t>(32, logits.size() - begin));
    if (word == 0) {
      std::ranges::fill(part, kOut);
    } else if (word != 0xffffffff) {
      for (size_t bit = 0; bit < part.size(); ++bit) {
        if ((word >> bit & 1) == 0) part[bit] = kOut;
      }
    }
  }
}

}  // namespace hearth::engine
