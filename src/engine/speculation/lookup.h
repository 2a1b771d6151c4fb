// Guesses that a text which repeats itself goes on to do so: what followed the last tokens when
// they came before, over prompt and answer.
#pragma once

#include <optional>

#include "engine/speculation/ngram_index.h"
#include "engine/speculation/proposer.h"

namespace hearth::engine {

class Lookup final : public Proposer {
 public:
  // For texts of max_len tokens.
  explicit Lookup(int32_t max_len) : index_(max_len) {}

  void begin() override { index_.clear(); }
  bool propose_next(std::span<const text::TokenId> text, std::vector<Proposal>& proposals) override;
  bool is_free() const override { return true; }

 private:
  NgramIndex index_;
  std::optional<NgramIndex::Match> match_;  // of the text that proposals are being made for
};

}  // namespace hearth::engine
