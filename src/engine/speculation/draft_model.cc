#include "engine/speculation/draft_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

#include "base/log.h"

namespace hearth::engine {
namespace {

struct Likeliest {
  text::TokenId token;
  float margin;  // its logit beyond the second's
};

Likeliest likeliest_of(std::span<const float> logits) {
  size_t best = 0;
  float second = -std::numeric_limits<float>::infinity();
  for (size_t i = 1; i < logits.size(); ++i) {
    if (logits[i] > logits[best]) {
      second = logits[best];
      best = i;
    } else {
      second = std::max(second, logits[i]);
    }
  }
  return {static_cast<text::TokenId>(best), logits[best] - second};
}

int32_t sureness_of(float margin) {
  constexpr std::array<float, kSurenesses - 1> kLeastMargins = {0.25F, 0.5F, 1, 1.5F, 2.5F, 4, 6};
  return static_cast<int32_t>(std::ranges::upper_bound(kLeastMargins, margin) -
                              kLeastMargins.begin());
}

Result<void> check_same_tokens(const text::Tokenizer& draft, const text::Tokenizer& target) {
  const int32_t n_both = std::min(draft.n_tokens(), target.n_tokens());
  for (text::TokenId id = 0; id < n_both; ++id) {
    if (draft.token_text(id) == target.token_text(id)) continue;
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("the draft model has another vocabulary: its token {} is {:?}, the "
                            "model's {:?}",
                            id, draft.token_text(id), target.token_text(id)));
  }
  if (draft.n_tokens() == target.n_tokens()) return {};
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("the draft model has another vocabulary: {} tokens, the model has {}",
                          draft.n_tokens(), target.n_tokens()));
}

}  // namespace

DraftModel::DraftModel(models::Model& model, int32_t n_tokens)
    : max_rows_(model.max_rows()),
      n_tokens_(n_tokens),
      blocks_(model.n_kv_blocks()),
      sequence_(blocks_, model.info().n_ctx),
      steps_(model, n_tokens) {}

Result<std::unique_ptr<DraftModel>> DraftModel::create(models::Model& model,
                                                       const text::Tokenizer& tokenizer,
                                                       const text::Tokenizer& target) {
  TRY(check_same_tokens(tokenizer, target));
  return std::unique_ptr<DraftModel>(new DraftModel(model, target.n_tokens()));
}

bool DraftModel::propose_next(std::span<const text::TokenId> text,
                              std::vector<Proposal>& proposals) {
  const size_t n = text.size() + proposals.size();
  if (has_failed_ || n > static_cast<size_t>(sequence_.max_len())) return false;
  Result<void> done;
  if (proposals.empty()) {
    done = sequence_.set_tokens(text);
  } else {
    sequence_.append(proposals.back().token);
  }
  if (done) done = run_what_is_new();
  if (!done) {
    log_warning("the draft model failed, the answer goes on without it: {}", done.error().message);
    has_failed_ = true;
    return false;
  }
  const std::span<const float> logits = steps_.logits(0);
  const Likeliest likeliest = likeliest_of(logits.first(static_cast<size_t>(n_tokens_)));
  proposals.push_back({likeliest.token, sureness_of(likeliest.margin)});
  return true;
}

// The logits after the last token are wanted, so it runs even where its K and V are cached.
Result<void> DraftModel::run_what_is_new() {
  const int32_t n_tokens = sequence_.n_tokens();
  sequence_.shrink_cache(std::min(sequence_.cached_len(), n_tokens - 1));
  while (sequence_.cached_len() < n_tokens) {
    TRY(steps_.run(sequence_, std::min(n_tokens, sequence_.cached_len() + max_rows_)));
  }
  return {};
}

}  // namespace hearth::engine
