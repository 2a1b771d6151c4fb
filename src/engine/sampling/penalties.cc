// Lowers the logits of tokens among the last n: by a factor (repeat, arXiv 1909.05858), by a
// constant (presence) and by a constant for each occurrence (frequency).
#include <algorithm>
#include <vector>

#include "engine/sampling/options.h"

namespace hearth::engine {
namespace {

struct Strengths {
  float repeat, presence, frequency;
};

class Penalties final : public Sampler {
 public:
  Penalties(size_t last_n, Strengths strengths) : last_n_(last_n), strengths_(strengths) {}

  void apply(Candidates& candidates, const SamplerState& state) override {
    const size_t n = std::min(last_n_, state.history.size());
    window_.assign(state.history.end() - static_cast<ptrdiff_t>(n), state.history.end());
    std::sort(window_.begin(), window_.end());
    for (size_t i = 0; i < n;) {
      size_t end = i + 1;
      while (end < n && window_[end] == window_[i]) ++end;
      if (float* logit = candidates.find(window_[i])) {
        *logit = *logit > 0 ? *logit / strengths_.repeat : *logit * strengths_.repeat;
        *logit -= static_cast<float>(end - i) * strengths_.frequency + strengths_.presence;
      }
      i = end;
    }
    if (n > 0) candidates.changed();
  }

 private:
  size_t last_n_;
  Strengths strengths_;
  std::vector<TokenId> window_;
};

constexpr Parameter kParameters[] = {
    {"repeat_last_n", Parameter::Kind::kInteger, 64, -1, 2147483647,
     "tokens that the penalties look back on; 0: none, -1: the whole context"},
    {"repeat_penalty", Parameter::Kind::kNumber, 1.0, 0.01, 100,
     "divides positive logits of repeated tokens, multiplies negative ones; 1: off"},
    {"presence_penalty", Parameter::Kind::kNumber, 0, -100, 100,
     "taken off the logit of a token that occurred"},
    {"frequency_penalty", Parameter::Kind::kNumber, 0, -100, 100,
     "taken off the logit for each occurrence"},
};

std::unique_ptr<Sampler> make(const SamplingOptions& options, const SamplerContext& context) {
  const Strengths strengths = {static_cast<float>(options.number("repeat_penalty")),
                               static_cast<float>(options.number("presence_penalty")),
                               static_cast<float>(options.number("frequency_penalty"))};
  int64_t last_n = options.integer("repeat_last_n");
  if (last_n < 0) last_n = context.n_ctx;
  const bool is_off =
      strengths.repeat == 1.0f && strengths.presence == 0.0f && strengths.frequency == 0.0f;
  if (last_n == 0 || is_off) return nullptr;
  return std::make_unique<Penalties>(static_cast<size_t>(last_n), strengths);
}

}  // namespace

extern const SamplerKind kPenalties = {"penalties", SamplerKind::Role::kBias, kParameters, make};

}  // namespace hearth::engine
