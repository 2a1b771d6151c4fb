#include "engine/speculation/guesser.h"

#include <algorithm>
#include <chrono>

#include "engine/speculation/policy.h"

namespace hearth::engine {
namespace {

using Clock = std::chrono::steady_clock;

// A proposer that takes time and does not pay is tried again after so many steps, twice as many
// each time that it still doesn't.
constexpr int32_t kLeastPatience = 64, kMostPatience = 1024;
constexpr int32_t kGuessesOfTrial = 2;

}  // namespace

Guesser::Guesser(std::unique_ptr<Proposer> proposer)
    : proposer_(std::move(proposer)), patience_(kLeastPatience) {
  proposals_.reserve(StepCosts::kMostRows - 1);
}

void Guesser::begin() {
  clear();
  cost_.begin();
  proposer_->begin();
}

void Guesser::clear() {
  proposals_.clear();
  n_drawn_ = 0;
}

void Guesser::guess(std::span<const text::TokenId> text, int32_t most) {
  while (static_cast<int32_t>(proposals_.size()) < most) {
    if (!proposer_->propose_next(text, proposals_)) return;
  }
}

void Guesser::guess_while_it_pays(std::span<const text::TokenId> text, int32_t most,
                                  const StepCosts& costs) {
  if (proposer_->is_free()) return guess(text, most);
  const auto pays = [&] {
    const double guess_cost = costs.unit_s() > 0 ? cost_.seconds() / costs.unit_s() : 0;
    return pays_to_guess(proposals_, rates_, costs, guess_cost);
  };
  int32_t n_trial = 0;
  if (pays()) {
    n_passed_ = 0;
    patience_ = kLeastPatience;
  } else if (++n_passed_ > patience_) {
    n_passed_ = 0;
    patience_ = std::min(2 * patience_, kMostPatience);
    n_trial = kGuessesOfTrial;
  }
  for (int32_t n = 0; n < most && (n < n_trial || pays()); ++n) {
    const Clock::time_point start = Clock::now();
    if (!proposer_->propose_next(text, proposals_)) return;
    cost_.learn(text.size(), std::chrono::duration<double>(Clock::now() - start).count());
  }
}

int32_t Guesser::best_length(const StepCosts& costs) const {
  return engine::best_length(proposals_, rates_, costs);
}

bool Guesser::compare(text::TokenId drawn) {
  if (n_drawn_ == proposals_.size()) return false;
  const Proposal& proposal = proposals_[n_drawn_++];
  const bool is_hit = proposal.token == drawn;
  rates_.learn(proposal.sureness, is_hit);
  if (!is_hit) clear();
  return is_hit;
}

}  // namespace hearth::engine
