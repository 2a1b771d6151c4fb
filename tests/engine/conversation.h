// A tiny model with a session of its own, and answers that can be compared to the bit.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/utf8.h"
#include "compute/cpu/backend.h"
#include "engine/session.h"
#include "tests/models/fixture.h"
#include "tests/text/tokenizer_file.h"

namespace hearth::engine {

using models::value_or_fail;
using Tokens = std::vector<TokenId>;

inline constexpr int32_t kContext = 96;
inline constexpr int32_t kVocab = 128;  // of every fixture
inline constexpr int32_t kMaxRows = 16;

// By default one with windows on some layers and two rotary embeddings: a position's cache depends
// on all before it.
inline const models::Fixture& fixture(const std::string& name = "gemma3") {
  static std::map<std::string, models::Fixture> fixtures;
  return fixtures.try_emplace(name, name).first->second;
}

inline Tokens prompt(size_t n) {
  return {fixture().tokens().begin(), fixture().tokens().begin() + static_cast<ptrdiff_t>(n)};
}

// A token for each of the bytes from `first` on, as many as the model has.
inline text::TokenizerFile byte_tokens(int first = 0) {
  text::TokenizerFile file;
  for (int i = 0; i < kVocab; ++i) {
    std::string spelling;
    append_utf8(spelling, text::character_of_byte(static_cast<uint8_t>(first + i)));
    file.add(spelling);
  }
  file.scores.clear();
  return file;
}

struct Answer {
  Generated done;
  std::string text;
  std::vector<std::string> pieces;
  Tokens tokens;
  std::vector<float> logprobs;  // of each token, then of its alternatives
};

struct TinyModel {
  std::string name = "gemma3";
  compute::KvType kv_type = compute::KvType::kF16;
};

inline void add_piece(const Piece& piece, Answer& answer) {
  answer.text += piece.text;
  answer.pieces.emplace_back(piece.text);
  if (piece.token >= 0) answer.tokens.push_back(piece.token);
  if (piece.logprobs == nullptr) return;
  answer.logprobs.push_back(piece.logprobs->chosen.logprob);
  for (const auto& other : piece.logprobs->top) answer.logprobs.push_back(other.logprob);
}

class Conversation {
 public:
  explicit Conversation(int32_t max_rows = kMaxRows,
                        const text::TokenizerFile& vocabulary = byte_tokens(),
                        const TinyModel& tiny = {}, std::unique_ptr<Proposer> proposer = nullptr)
      : file_(value_or_fail(gguf::File::open(fixture(tiny.name).path()))),
        model_(value_or_fail(models::Model::load(
            file_, compute::make_cpu_backend({.n_threads = 2}),
            {.n_ctx = kContext, .kv_type = tiny.kv_type, .max_rows = max_rows}))),
        tokenizer_(value_or_fail(vocabulary.load())),
        session_(*model_, *tokenizer_, alone(std::move(proposer))) {}

  Answer ask(const Tokens& tokens, const GenerateOptions& options,
             GenerateCallbacks callbacks = {}) {
    Answer answer;
    callbacks.on_piece = [&](const Piece& piece) { add_piece(piece, answer); };
    answer.done = value_or_fail(session_.generate(tokens, options, callbacks));
    return answer;
  }

  Error refusal(const Tokens& tokens, const GenerateOptions& options,
                const GenerateCallbacks& callbacks = {}) {
    const auto answer = session_.generate(tokens, options, callbacks);
    if (!answer) return answer.error();
    ADD_FAILURE() << "answered";
    return {};
  }

  Session& session() { return session_; }
  models::Model& model() { return *model_; }
  const text::Tokenizer& tokenizer() const { return *tokenizer_; }

 private:
  static std::vector<std::unique_ptr<Proposer>> alone(std::unique_ptr<Proposer> proposer) {
    std::vector<std::unique_ptr<Proposer>> proposers;
    if (proposer != nullptr) proposers.push_back(std::move(proposer));
    return proposers;
  }

  gguf::File file_;
  std::unique_ptr<models::Model> model_;
  std::unique_ptr<text::Tokenizer> tokenizer_;
  Session session_;
};

inline GenerateOptions at_most(int32_t n_predict) {
  GenerateOptions options;
  EXPECT_TRUE(options.sampling.set("seed", 7));
  options.n_predict = n_predict;
  return options;
}

// With the whole distribution at each token, so that equal answers are equal to the bit.
inline GenerateOptions with_logprobs(int32_t n_predict) {
  GenerateOptions options = at_most(n_predict);
  options.n_logprobs = kVocab;
  return options;
}

inline GenerateOptions held_to(const text::Tokenizer& tokenizer, const std::string& schema,
                               GenerateOptions options) {
  const auto vocabulary = value_or_fail(text::GrammarVocabulary::create(tokenizer));
  options.grammar = std::make_shared<const text::AnswerGrammar>(
      value_or_fail(text::AnswerGrammar::compile(vocabulary, schema)));
  return options;
}

inline void expect_same(const Answer& found, const Answer& expected) {
  EXPECT_EQ(found.tokens, expected.tokens);
  EXPECT_EQ(found.pieces, expected.pieces);
  EXPECT_EQ(found.logprobs, expected.logprobs);
  EXPECT_EQ(found.done.reason, expected.done.reason);
  EXPECT_EQ(found.done.stats.n_generated, expected.done.stats.n_generated);
}

}  // namespace hearth::engine
