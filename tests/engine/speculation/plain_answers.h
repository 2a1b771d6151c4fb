// Random prompts and options, and the answers to them held against those without speculation.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tests/engine/conversation.h"

namespace hearth::engine {

template <class T>
T one_of(std::initializer_list<T> values, std::mt19937& random) {
  return values.begin()[random() % values.size()];
}

// Text that repeats itself with changes.
inline Tokens random_prompt(std::mt19937& random) {
  const size_t n = 1 + random() % 60;
  const uint32_t n_kinds = one_of({2u, 8u, 128u}, random);
  Tokens tokens;
  while (tokens.size() < n) {
    if (tokens.size() < 4 || random() % 5 == 0) {
      tokens.push_back(static_cast<TokenId>(random() % n_kinds));
    } else {
      tokens.push_back(tokens[tokens.size() - 4]);
    }
  }
  return tokens;
}

inline void set_randomly(SamplingOptions& sampling, std::mt19937& random) {
  const std::vector<std::pair<const char*, std::vector<double>>> choices = {
      {"seed", {1, 2, 3}},
      {"temperature", {0, 0, 0.3, 1, 2}},
      {"top_k", {0, 1, 5, 40}},
      {"top_p", {1, 0.9, 0.5}},
      {"min_p", {0, 0.05}},
      {"typical_p", {1, 0.8}},
      {"xtc_probability", {0, 0, 0.5}},
      {"dry_multiplier", {0, 0, 0.8}},
      {"repeat_penalty", {1, 1, 1.3}},
      {"presence_penalty", {0, 0, 0.5}},
      {"mirostat", {0, 0, 0, 1, 2}},
  };
  for (const auto& [name, values] : choices) {
    ASSERT_TRUE(sampling.set(name, values[random() % values.size()])) << name;
  }
  // A few likely tokens make text that repeats itself.
  const uint32_t n_biased = one_of({0u, 2u, 6u}, random);
  for (uint32_t i = 0; i < n_biased; ++i) {
    ASSERT_TRUE(sampling.set_logit_bias(static_cast<TokenId>(random() % kVocab), 10));
  }
}

inline GenerateOptions random_options(const Conversation& plain, std::mt19937& random) {
  GenerateOptions options;
  set_randomly(options.sampling, random);
  options.n_predict = one_of({-1, -1, 0, 1, 2, 17, 40}, random);
  options.n_logprobs = one_of({-1, 0, kVocab}, random);
  options.ignores_end = random() % 3 == 0;
  if (random() % 3 == 0) options.stops = {std::string(2, static_cast<char>('0' + random() % 64))};
  if (random() % 6 != 0 || options.ignores_end) return options;
  return held_to(plain.tokenizer(), R"({"type": "array", "items": {"enum": [1, 22, "aba"]}})",
                 options);
}

struct Totals {
  int32_t n_proposed = 0, n_accepted = 0;
};

// An answer and the next turn after it, both as the conversation without speculation has them.
inline void expect_plain_answers(Conversation& plain, Conversation& speculating,
                                 const Tokens& tokens, GenerateOptions options, Totals& totals) {
  const Answer expected = plain.ask(tokens, options);
  Tokens next(plain.session().tokens().begin(), plain.session().tokens().end());
  options.speculation = Speculation::kAlways;
  const Answer found = speculating.ask(tokens, options);
  expect_same(found, expected);
  EXPECT_TRUE(std::ranges::equal(speculating.session().tokens(), next));
  const SpeculationStats& stats = found.done.stats.speculation;
  EXPECT_LE(stats.n_accepted, stats.n_proposed);
  // A token is drawn after the prompt, after each step and after each one accepted, but for the
  // end.
  const int32_t n_rows = 1 + stats.n_steps + stats.n_accepted;
  EXPECT_GE(found.done.stats.n_generated, n_rows - 1);
  EXPECT_LE(found.done.stats.n_generated, n_rows);
  totals.n_proposed += stats.n_proposed;
  totals.n_accepted += stats.n_accepted;

  next.push_back(5);
  if (next.size() >= kContext) return;
  expect_same(speculating.ask(next, with_logprobs(4)), plain.ask(next, with_logprobs(4)));
}

}  // namespace hearth::engine
