#include "engine/sampling/chain.h"

#include <fmt/format.h>

#include <limits>
#include <random>
#include <string_view>

#include "base/check.h"

namespace hearth::engine {
namespace {

const SamplerKind& kind_named(std::string_view name) {
  for (const SamplerKind* kind : all_samplers()) {
    if (name == kind->name) return *kind;
  }
  CHECK(false);
  __builtin_unreachable();
}

std::vector<const SamplerKind*> kinds_in_use(const SamplingOptions& options) {
  const bool has_mirostat = options.integer("mirostat") != 0;
  std::vector<const SamplerKind*> kinds;
  for (const std::string& name : options.texts("samplers")) {
    const SamplerKind& kind = kind_named(name);
    if (has_mirostat && kind.role == SamplerKind::Role::kTruncation) continue;
    kinds.push_back(&kind);
  }
  for (const SamplerKind* kind : all_samplers()) {
    if (kind->role == SamplerKind::Role::kFeedback) kinds.push_back(kind);
  }
  return kinds;
}

Result<void> check_finite(std::span<const float> logits) {
  size_t n_bad = 0;
  for (const float logit : logits) n_bad += !(logit <= std::numeric_limits<float>::max());
  if (n_bad == 0) return {};
  return fail(ErrorCode::kNonFinite,
              fmt::format("{} of {} logits are NaN or infinite; the model file or a kernel is "
                          "broken",
                          n_bad, logits.size()));
}

}  // namespace

SamplerChain::SamplerChain(uint64_t seed, SamplerContext context)
    : seed_(seed), random_(seed), context_(std::move(context)) {}

Result<SamplerChain> SamplerChain::create(const SamplingOptions& options, SamplerContext context) {
  CHECK(context.n_vocab > 0);
  const int64_t seed = options.integer("seed");
  SamplerChain chain(seed >= 0 ? static_cast<uint64_t>(seed) : std::random_device{}(), context);
  for (const auto& [token, bias] : options.logit_bias()) {
    if (token >= context.n_vocab) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("logit_bias: token {} is out of range, the vocabulary has {}", token,
                              context.n_vocab));
    }
    chain.bias_.emplace_back(token, bias);
  }
  for (const SamplerKind* kind : kinds_in_use(options)) {
    if (auto sampler = kind->make(options, context)) chain.samplers_.push_back(std::move(sampler));
  }
  chain.history_.reserve(static_cast<size_t>(context.n_ctx) + 1);
  return chain;
}

void SamplerChain::accept(std::span<const TokenId> tokens) {
  for (const TokenId token : tokens) {
    history_.push_back(token);
    for (const auto& sampler : samplers_) sampler->accept(token, -1);
  }
}

Result<TokenId> SamplerChain::sample(std::span<float> logits) {
  CHECK(logits.size() == static_cast<size_t>(context_.n_vocab));
  TRY(check_finite(logits));
  candidates_.reset(logits);
  for (const auto& [token, bias] : bias_) {
    if (float* logit = candidates_.find(token)) *logit += bias;
  }
  for (const auto& sampler : samplers_) sampler->apply(candidates_, {history_, random_});
  const Candidate* chosen = draw();
  if (chosen == nullptr) {
    return fail(ErrorCode::kNonFinite, "no token is left to draw: every logit is -infinity");
  }
  const TokenId token = chosen->token;
  const double probability = chosen->weight / candidates_.total_weight();
  history_.push_back(token);
  for (const auto& sampler : samplers_) sampler->accept(token, probability);
  return token;
}

const Candidate* SamplerChain::draw() {
  candidates_.weigh();
  const auto items = candidates_.items();
  if (items.size() == 1) return &items.front();  // greedy: no random number is spent
  const double target = random_.uniform() * candidates_.total_weight();
  double sum = 0;
  const Candidate* last = nullptr;
  for (const Candidate& item : items) {
    if (item.weight == 0) continue;
    last = &item;
    sum += item.weight;
    if (target < sum) break;
  }
  return last;
}

}  // namespace hearth::engine
