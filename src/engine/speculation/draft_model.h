// A smaller model of the same vocabulary, whose likeliest token is the guess. Its cache follows the
// text: what both have in common stays, the rest is run again.
#pragma once

#include <memory>

#include "base/result.h"
#include "engine/kv_blocks.h"
#include "engine/sequence.h"
#include "engine/speculation/proposer.h"
#include "engine/step_runner.h"
#include "models/model.h"
#include "text/tokenizer.h"

namespace hearth::engine {

class DraftModel final : public Proposer {
 public:
  // `model` must outlive this; `tokenizer` is its own. kInvalidArgument, with the first difference,
  // unless `target`, the tokenizer of the model that answers, has the same tokens.
  static Result<std::unique_ptr<DraftModel>> create(models::Model& model,
                                                    const text::Tokenizer& tokenizer,
                                                    const text::Tokenizer& target);

  void begin() override {}
  // None where the text is longer than the draft's context, and none any more once a step of it
  // failed, which is logged.
  bool propose_next(std::span<const text::TokenId> text, std::vector<Proposal>& proposals) override;
  bool is_free() const override { return false; }

 private:
  DraftModel(models::Model& model, int32_t n_tokens);
  Result<void> run_what_is_new();

  int32_t max_rows_;
  int32_t n_tokens_;  // of the vocabulary
  KvBlocks blocks_;
  Sequence sequence_;
  StepRunner steps_;
  bool has_failed_ = false;
};

}  // namespace hearth::engine
