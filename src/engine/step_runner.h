// Runs sequences' tokens on a model, and holds the logits of the last step. One thread.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "engine/sequence.h"
#include "models/model.h"
#include "text/tokenizer.h"

namespace hearth::engine {

// A sequence's share of a step: its tokens that are not cached, up to position `to`, and then those
// of `ahead`, which need `to` to be the sequence's end and may not become part of it.
struct StepPart {
  Sequence& sequence;
  int32_t to;
  int32_t wants_from;  // logits are wanted after the tokens from this position on
  std::span<const text::TokenId> ahead = {};
};

class StepRunner {
 public:
  // `model` must outlive the runner; n_tokens: of its tokenizer.
  StepRunner(models::Model& model, int32_t n_tokens);

  // One step over the parts, of different sequences: at most max_rows() tokens in all. Positions
  // beyond a sequence are in the cache but not counted as cached; a caller that appends the tokens
  // run ahead marks them.
  Result<void> run(std::span<const StepPart> parts);

  // Of one part, with the logits after the sequence's last token, if it is run, and after each one
  // ahead.
  Result<void> run(Sequence& sequence, int32_t to, std::span<const text::TokenId> ahead = {});

  // Of the last step, by part and position, as long as it stands; the caller may alter them. Rows
  // of the head beyond the tokenizer's last token, which are padding, are -infinity.
  std::span<float> logits(int32_t row);

 private:
  void add_rows(const StepPart& part, int32_t index);

  models::Model& model_;
  size_t n_vocab_;   // rows of the head
  size_t n_tokens_;  // of these, tokens
  std::vector<compute::Row> rows_;
  std::vector<std::span<const int32_t>> tables_;
  size_t n_wanted_ = 0;
  std::vector<float> logits_;  // [rows that want them, n_vocab]
};

}  // namespace hearth::engine
