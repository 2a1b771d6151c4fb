// A proposer at work on an answer: what it proposes for the step at hand, how often that came true
// and what asking it takes. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/speculation/guess_cost.h"
#include "engine/speculation/hit_rates.h"
#include "engine/speculation/proposer.h"
#include "engine/speculation/step_costs.h"

namespace hearth::engine {

class Guesser {
 public:
  explicit Guesser(std::unique_ptr<Proposer> proposer);

  void begin();  // another answer; what was learned stays
  void clear();  // another step

  // At most `most` proposals of what follows `text`.
  void guess(std::span<const text::TokenId> text, int32_t most);
  // The same, where a proposer that takes time is asked only as long as it pays, and now and then
  // where it did not.
  void guess_while_it_pays(std::span<const text::TokenId> text, int32_t most,
                           const StepCosts& costs);
  // How many of the proposals to run.
  int32_t best_length(const StepCosts& costs) const;

  // `drawn` follows what was drawn since guess(). True if it was proposed; proposals that it
  // belies are void. Learns from it, whether or not the proposal was run.
  bool compare(text::TokenId drawn);

  std::span<const Proposal> proposals() const { return proposals_; }

 private:
  std::unique_ptr<Proposer> proposer_;
  HitRates rates_;
  GuessCost cost_;
  int32_t n_passed_ = 0;  // steps since it last paid to guess
  int32_t patience_;      // steps after which it is tried again all the same
  std::vector<Proposal> proposals_;
  size_t n_drawn_ = 0;  // of the proposals
};

}  // namespace hearth::engine
