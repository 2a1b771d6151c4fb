// One step of the sampling chain: something that cuts candidates or changes their logits.
//
// A sampler is one file that ends in its SamplerKind, and one row in table.cc. Its parameters come
// with it: options, command line and protocols read them from the table.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "engine/sampling/candidates.h"
#include "engine/sampling/random.h"
#include "text/tokenizer.h"

namespace hearth::engine {

using text::TokenId;
class SamplingOptions;

struct Parameter {
  enum class Kind { kInteger, kNumber, kTexts };
  const char* name;  // as Ollama and llama.cpp spell it
  Kind kind;
  double fallback, least, most;  // kTexts: most is the largest number of texts
  const char* help;
  std::span<const char* const> fallback_texts = {};
};

// What samplers know of the model.
struct SamplerContext {
  int32_t n_vocab = 0;
  int32_t n_ctx = 0;
  std::function<std::string(TokenId)> token_bytes;  // for samplers that look at text
};

struct SamplerState {
  std::span<const TokenId> history;  // prompt and generated tokens, oldest first
  Pcg32& random;
};

class Sampler {
 public:
  virtual ~Sampler() = default;
  // Leaves at least one candidate if there was one.
  virtual void apply(Candidates& candidates, const SamplerState& state) = 0;
  // A token joined the history. probability: of a drawn token, under the distribution that it was
  // drawn from; negative for a token of the prompt.
  virtual void accept(TokenId, double /*probability*/) {}
};

struct SamplerKind {
  enum class Role {
    kBias,        // changes logits by what came before
    kTruncation,  // cuts; Mirostat takes the place of all of these
    kTemperature,
    kFeedback,  // not in an order list: on by its own option, always last
  };
  const char* name;  // in an order list
  Role role;
  std::span<const Parameter> parameters;
  // Null where the options leave it without effect.
  std::unique_ptr<Sampler> (*make)(const SamplingOptions& options, const SamplerContext& context);
};

// In the default order.
std::span<const SamplerKind* const> all_samplers();

}  // namespace hearth::engine
