// Which tokens a step runs beside the one whose turn it is, because they may well come next.
//
// What is drawn never depends on it, only how many steps that takes: a row's logits are the same
// whatever runs beside it, and a token that was run ahead counts only once it was drawn. How far to
// run is decided from how often guesses came true and how long steps of so many rows took; where
// that does not pay, nothing is run ahead.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/speculation/guesser.h"
#include "engine/speculation/step_costs.h"

namespace hearth::engine {

enum class Speculation {
  kOff,
  kAuto,    // as far as it pays
  kAlways,  // whatever is guessed: for tests and measurements
};

struct SpeculationStats {
  int32_t n_steps = 0;     // of the answer: those after the prompt's
  int32_t n_proposed = 0;  // tokens run ahead
  int32_t n_accepted = 0;  // of these, drawn
};

// One thread. What it learned is kept from answer to answer.
class Speculator {
 public:
  static constexpr int32_t kMostAhead = StepCosts::kMostRows - 1;

  // A later proposer is asked where nothing that an earlier one proposes is worth running.
  explicit Speculator(std::vector<std::unique_ptr<Proposer>> proposers);

  void begin(Speculation mode);

  // At most `most` tokens to run after the last of `text`, each after those before it. Valid until
  // the next call.
  std::span<const text::TokenId> look_ahead(std::span<const text::TokenId> text, int32_t most);
  // The step with the first n_ahead of them has been run.
  void ran(int32_t n_ahead, double seconds);
  // `drawn` follows. True if it was run ahead: the step's next row has the logits after it.
  bool accept(text::TokenId drawn);

  const SpeculationStats& stats() const { return stats_; }  // since begin()

 private:
  Speculation mode_ = Speculation::kOff;
  StepCosts costs_;
  std::vector<Guesser> guessers_;
  const Guesser* leader_ = nullptr;  // whose proposals are run; null: nobody's
  std::vector<text::TokenId> ahead_;
  int32_t n_left_ = 0;  // tokens of the last step that were run ahead and may still be drawn
  SpeculationStats stats_;
};

}  // namespace hearth::engine
