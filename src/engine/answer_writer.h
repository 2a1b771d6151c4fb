// Turns logits into an answer: draws its tokens, shows their text and finds its end.
//
// Knows nothing of how the logits came about: whoever runs the model writes the same answer. One
// thread at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/generation.h"
#include "engine/sampling/chain.h"
#include "engine/sampling/logprobs.h"
#include "engine/stop_matcher.h"
#include "text/constraint.h"
#include "text/stream_decoder.h"
#include "text/tokenizer.h"

namespace hearth::engine {

class AnswerWriter {
 public:
  using OnPiece = std::function<void(const Piece&)>;  // may be empty

  // Of the model whose logits come; the tokenizer must outlive the writer.
  struct Model {
    const text::Tokenizer& tokenizer;
    int32_t n_vocab;  // logits
    int32_t n_ctx;    // tokens of prompt and answer
  };

  // The answer to `prompt` before its first token. kContextExceeded with the numbers if the prompt
  // leaves no room for one; kInvalidArgument for an empty prompt or bad options.
  static Result<AnswerWriter> create(const Model& model, std::span<const TokenId> prompt,
                                     const GenerateOptions& options);

  // Tokens that the answer may still have.
  int32_t n_left() const { return n_most_ - n_generated_; }

  // The next token, from the logits after the last one, which may be altered. n_left() must not be
  // 0. kUnsupported or kLimitExceeded where no token can be found that the grammar allows.
  Result<TokenId> draw(std::span<float> logits);

  // Shows what the token just drawn adds to the text. The reason if the answer is over with it, and
  // then all of its text was shown.
  Result<std::optional<DoneReason>> show(TokenId token, const OnPiece& on_piece);

  // The answer ends here: shows the text that was held back. Gives `reason`, or kStop where that
  // text completes a stop string.
  DoneReason finish(DoneReason reason, const OnPiece& on_piece);

  int32_t n_generated() const { return n_generated_; }  // tokens drawn
  uint64_t seed() const { return chain_.seed(); }

 private:
  AnswerWriter(const Model& model, int32_t n_most, const GenerateOptions& options,
               SamplerChain chain, StopMatcher stops);

  const text::Tokenizer& tokenizer_;
  int32_t n_most_;  // tokens of the answer
  int32_t n_logprobs_;
  bool ignores_end_;
  SamplerChain chain_;
  StopMatcher stops_;
  text::StreamDecoder decoder_;
  std::optional<text::Constraint> constraint_;
  int32_t n_generated_ = 0;
  std::optional<Logprobs> logprobs_;  // of the token just drawn
  std::string shown_;                 // reused from token to token
  std::vector<float> altered_;        // what samplers alter, where the logits are still wanted
};

}  // namespace hearth::engine
