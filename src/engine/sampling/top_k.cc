// Keeps the k candidates of largest logit; at the border, the lower token wins a tie.
#include "engine/sampling/options.h"

namespace hearth::engine {
namespace {

class TopK final : public Sampler {
 public:
  explicit TopK(size_t k) : k_(k) {}
  void apply(Candidates& candidates, const SamplerState&) override { candidates.keep_top(k_); }

 private:
  size_t k_;
};

constexpr Parameter kParameters[] = {
    {"top_k", Parameter::Kind::kInteger, 40, -1, 2147483647, "keep the k likeliest; 0 or -1: all"},
};

std::unique_ptr<Sampler> make(const SamplingOptions& options, const SamplerContext& context) {
  const int64_t k = options.integer("top_k");
  if (k <= 0 || k >= context.n_vocab) return nullptr;
  return std::make_unique<TopK>(static_cast<size_t>(k));
}

}  // namespace

extern const SamplerKind kTopK = {"top_k", SamplerKind::Role::kTruncation, kParameters, make};

}  // namespace hearth::engine
