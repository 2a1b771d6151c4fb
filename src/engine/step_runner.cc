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
  const StepPart part = {sequence, to, sequence.n_tokens() - 1, ahead};
  return run({&part, 1});
}

Result<void> StepRunner::run(std::span<const StepPart> parts) {
  rows_.clear();
  tables_.clear();
  n_wanted_ = 0;
  for (const StepPart& part : parts) {
    TRY(part.sequence.reserve(part.to + static_cast<int32_t>(part.ahead.size())));
    add_rows(part, static_cast<int32_t>(tables_.size()));
    tables_.push_back(part.sequence.block_table());
  }
  if (logits_.size() < n_wanted_ * n_vocab_) logits_.resize(n_wanted_ * n_vocab_);
  const std::span<float> wanted = std::span(logits_).first(n_wanted_ * n_vocab_);
  TRY(model_.run({rows_, tables_}, wanted));
  for (size_t row = 0; row < n_wanted_; ++row) {
    std::ranges::fill(wanted.subspan(row * n_vocab_ + n_tokens_, n_vocab_ - n_tokens_),
                      -std::numeric_limits<float>::infinity());
  }
  for (const StepPart& part : parts) part.sequence.mark_cached(part.to);
  return {};
}

void StepRunner::add_rows(const StepPart& part, int32_t index) {
  const Sequence& sequence = part.sequence;
  CHECK(part.ahead.empty() || part.to == sequence.n_tokens());
  const auto add = [&](text::TokenId token, int32_t position) {
    const bool is_wanted = position >= part.wants_from;
    rows_.push_back({token, position, index, is_wanted});
    n_wanted_ += is_wanted;
  };
  for (int32_t position = sequence.cached_len(); position < part.to; ++position) {
    add(sequence.tokens()[static_cast<size_t>(position)], position);
  }
  for (size_t i = 0; i < part.ahead.size(); ++i) {
    add(part.ahead[i], part.to + static_cast<int32_t>(i));
  }
}

std::span<float> StepRunner::logits(int32_t row) {
  return std::span(logits_).subspan(static_cast<size_t>(row) * n_vocab_, n_vocab_);
}

}  // namespace hearth::engine
