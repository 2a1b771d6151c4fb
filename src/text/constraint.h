// Answers held to JSON or to a JSON schema: which tokens may come next.
//
//   GrammarVocabulary  a tokenizer's tokens, once a model
//   AnswerGrammar      a schema compiled for them, once a schema
//   Constraint         where one answer stands
//
// Schemas are hostile input: size, work and memory are bounded (kLimitExceeded). Nothing that a
// schema asks for is passed over: what cannot be held to is kUnsupported and named. Keywords that
// JSON Schema does not know say nothing, as its specification has it; references are looked up in
// the schema only. Properties come in the schema's order.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/tokenizer.h"

struct HearthVocabulary;
struct HearthGrammar;
struct HearthAnswer;

namespace hearth::text {

// Immutable; any thread. Control tokens, unused ones and those that no UTF-8 text holds are in no
// answer under a grammar.
class GrammarVocabulary {
 public:
  // Takes about 0.1 s for 50,000 tokens, 1.2 s and 190 MB for 262,000. kUnsupported where no
  // grammar can be made for the tokens.
  static Result<GrammarVocabulary> create(const Tokenizer& tokenizer);

  int32_t n_tokens() const { return n_tokens_; }

 private:
  friend class AnswerGrammar;
  struct Free {
    void operator()(HearthVocabulary* handle) const;
  };
  std::unique_ptr<HearthVocabulary, Free> handle_;
  int32_t n_tokens_ = 0;
  std::vector<TokenId> ends_;  // tokens that end generation
};

class Constraint;

// Immutable; any thread. Needs the vocabulary only while it is compiled.
class AnswerGrammar {
 public:
  // schema: JSON text, or `json` for any object. kInvalidArgument says what is wrong with it.
  static Result<AnswerGrammar> compile(const GrammarVocabulary& vocabulary,
                                       std::string_view schema);

  // The constraint of an answer that has no token yet. May outlive the grammar.
  Result<Constraint> begin() const;

 private:
  struct Free {
    void operator()(HearthGrammar* handle) const;
  };
  std::unique_ptr<HearthGrammar, Free> handle_;
  int32_t n_tokens_ = 0;
  std::vector<TokenId> ends_;
};

// One thread at a time.
class Constraint {
 public:
  // The tokens that may come next: bit i % 32 of word i / 32 is token i. Those that end generation
  // are among them exactly where the answer may end. Valid until the next call. An error where
  // there is none: kUnsupported if the vocabulary lacks them, kLimitExceeded if finding them takes
  // too long.
  Result<std::span<const uint32_t>> mask();

  // Adds a token of the mask that does not end generation. True: the answer is complete, nothing
  // may follow. kInvalidArgument for a token that is not in the mask.
  Result<bool> commit(TokenId token);

 private:
  friend class AnswerGrammar;
  struct Free {
    void operator()(HearthAnswer* handle) const;
  };
  std::unique_ptr<HearthAnswer, Free> handle_;
  std::vector<uint32_t> mask_;
  std::vector<TokenId> ends_;
};

}  // namespace hearth::text
