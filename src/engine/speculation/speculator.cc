#include "engine/speculation/speculator.h"

#include <algorithm>

#include "base/check.h"

namespace hearth::engine {

Speculator::Speculator(std::vector<std::unique_ptr<Proposer>> proposers) {
  for (auto& proposer : proposers) guessers_.emplace_back(std::move(proposer));
  ahead_.reserve(kMostAhead);
}

void Speculator::begin(Speculation mode) {
  mode_ = mode;
  leader_ = nullptr;
  n_left_ = 0;
  stats_ = {};
  if (mode == Speculation::kOff) return;
  for (Guesser& guesser : guessers_) guesser.begin();
}

std::span<const text::TokenId> Speculator::look_ahead(std::span<const text::TokenId> text,
                                                      int32_t most) {
  for (Guesser& guesser : guessers_) guesser.clear();
  ahead_.clear();
  leader_ = nullptr;
  if (mode_ == Speculation::kOff) return {};
  most = std::min(most, kMostAhead);
  for (Guesser& guesser : guessers_) {
    auto n = static_cast<size_t>(0);
    if (mode_ == Speculation::kAlways) {
      guesser.guess(text, most);
      n = guesser.proposals().size();
    } else {
      guesser.guess_while_it_pays(text, most, costs_);
      n = static_cast<size_t>(guesser.best_length(costs_));
    }
    if (n == 0) continue;
    leader_ = &guesser;
    for (const Proposal& proposal : guesser.proposals().first(n)) ahead_.push_back(proposal.token);
    break;
  }
  return ahead_;
}

void Speculator::ran(int32_t n_ahead, double seconds) {
  CHECK(n_ahead <= static_cast<int32_t>(ahead_.size()));
  n_left_ = n_ahead;
  ++stats_.n_steps;
  stats_.n_proposed += n_ahead;
  if (mode_ == Speculation::kAuto) costs_.learn(n_ahead + 1, seconds);
}

bool Speculator::accept(text::TokenId drawn) {
  bool is_ahead = false;
  for (Guesser& guesser : guessers_) {
    const bool is_hit = guesser.compare(drawn);
    if (&guesser == leader_) is_ahead = is_hit;
  }
  if (!is_ahead || n_left_ == 0) {
    n_left_ = 0;
    return false;
  }
  --n_left_;
  ++stats_.n_accepted;
  return true;
}

}  // namespace hearth::engine
