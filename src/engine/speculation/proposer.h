// Guesses how a text goes on. A guess is only ever run ahead and compared with what is drawn, so a
// bad one costs time and nothing else.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "text/tokenizer.h"

namespace hearth::engine {

struct Proposal {
  text::TokenId token;
  int32_t sureness;  // in [0, kSurenesses), more is surer; what it is worth is learned
};

inline constexpr int32_t kSurenesses = 8;

// One thread at a time.
class Proposer {
 public:
  virtual ~Proposer() = default;

  // The texts to come are of another answer.
  virtual void begin() = 0;

  // Adds the token that may follow `text` and then `proposals`, which came from calls with the same
  // text. Each text begins with the one before, since begin(). False, and nothing added, where
  // there is no guess.
  virtual bool propose_next(std::span<const text::TokenId> text,
                            std::vector<Proposal>& proposals) = 0;

  // A guess takes no time worth counting.
  virtual bool is_free() const = 0;
};

}  // namespace hearth::engine
