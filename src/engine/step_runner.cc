#include "engine/step_runner.h"

#include <algorithm>
#include <limits>

#include "base/check.h"

namespace hearth::engine {

StepRunner::StepRunner(models::Model& model, int32_t n_tokens)
    : model_(model),
      n_vocab_(static_cast<size_t>(model.info().n_vocab)),
      n_tokens_(std::min(static_cast<size_t>(n_tokens), n_vocab_)) {
  rows_.reserve(static_cast<size_t>(model.max_rows()));
  logits_.resize(n_vocab_);
}

Result<void> StepRunner::run(Sequence& sequence, int32_t to, std::span<const text::TokenId> ahead) {
  const int32_t n_known = sequence.n_tokens();
  CHECK(ahead.empty() || to == n_known);
  TRY(sequence.reserve(to + static_cast<int32_t>(ahead.size())));
  rows_.clear();
  for (int32_t position = sequence.cached_len(); position < to; ++position) {
    rows_.push_back(
        {sequence.tokens()[static_cast<size_t>(position)], position, 0, position + 1 == n_known});
  }
  for (const text::TokenId token : ahead) {
    rows_.push_back({token, rows_.back().position + 1, 0, true});
  }
  const size_t n_wanted = (to == n_known ? 1 : 0) + ahead.size();
  if (logits_.size() < n_wanted * n_vocab_) logits_.resize(n_wanted * n_vocab_);
  const std::span<float> wanted = std::span(logits_).first(n_wanted * n_vocab_);
  const std::span<const int32_t> table = sequence.block_table();
  TRY(model_.run({rows_, {&table, 1}}, wanted));
  for (size_t row = 0; row < n_wanted; ++row) {
    std::ranges::fill(wanted.subspan(row * n_vocab_ + n_tokens_, n_vocab_ - n_tokens_),
                      -std::numeric_limits<float>::infinity());
  }
  sequence.mark_cached(to);
  return {};
}

std::span<float> StepRunner::logits(int32_t row) {
  return std::span(logits_).subspan(static_cast<size_t>(row) * n_vocab_, n_vocab_);
}

}  // namespace hearth::engine
