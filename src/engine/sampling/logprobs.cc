#include "engine/sampling/logprobs.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "engine/sampling/exponential.h"

namespace hearth::engine {

Logprobs logprobs_of(std::span<const float> logits, text::TokenId chosen, int32_t n_top) {
  CHECK(chosen >= 0 && static_cast<size_t>(chosen) < logits.size());
  const double most = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float logit : logits) sum += exponential(logit - most);
  const double log_total = most + std::log(sum);
  const auto logprob = [&](text::TokenId token) -> TokenLogprob {
    return {token, static_cast<float>(logits[static_cast<size_t>(token)] - log_total)};
  };
  Logprobs result = {logprob(chosen), {}};
  if (n_top <= 0) return result;

  const auto before = [&](text::TokenId a, text::TokenId b) {
    const float x = logits[static_cast<size_t>(a)], y = logits[static_cast<size_t>(b)];
    return x != y ? x > y : a < b;
  };
  std::vector<text::TokenId> heap;  // its front is the last in order
  for (text::TokenId token = 0; token < static_cast<text::TokenId>(logits.size()); ++token) {
    if (heap.size() == static_cast<size_t>(n_top)) {
      if (!before(token, heap.front())) continue;
      std::pop_heap(heap.begin(), heap.end(), before);
      heap.back() = token;
    } else {
      heap.push_back(token);
    }
    std::push_heap(heap.begin(), heap.end(), before);
  }
  std::sort_heap(heap.begin(), heap.end(), before);
  for (const text::TokenId token : heap) result.top.push_back(logprob(token));
  return result;
}

}  // namespace hearth::engine
