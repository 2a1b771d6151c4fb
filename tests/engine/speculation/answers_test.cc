// Whatever is run ahead, an answer is the one without: tokens, pieces and log-probabilities to the
// bit, and the cache that it leaves.
#include <gtest/gtest.h>

#include "engine/speculation/lookup.h"
#include "tests/engine/speculation/plain_answers.h"

namespace hearth::engine {
namespace {

// Knows how the text will go on, and errs now and then, with tokens that no model has too.
class Oracle : public Proposer {
 public:
  Oracle(Tokens text, uint32_t hits_of_ten, uint32_t seed)
      : text_(std::move(text)), hits_of_ten_(hits_of_ten), random_(seed) {}
  void begin() override {}
  bool propose_next(std::span<const TokenId> text, std::vector<Proposal>& proposals) override {
    const size_t at = text.size() + proposals.size();
    const bool is_hit = at < text_.size() && random_() % 10 < hits_of_ten_;
    const auto any = static_cast<TokenId>(random_() % 1000 == 0 ? kVocab : random_() % kVocab);
    proposals.push_back({is_hit ? text_[at] : any, static_cast<int32_t>(at % kSurenesses)});
    return random_() % 10 != 0;
  }
  bool is_free() const override { return true; }

 private:
  Tokens text_;
  uint32_t hits_of_ten_;
  std::mt19937 random_;
};

std::unique_ptr<Proposer> make_proposer(uint32_t kind, const TinyModel& tiny, const Tokens& tokens,
                                        const GenerateOptions& options, uint32_t seed) {
  if (kind == 0) return std::make_unique<Lookup>(kContext);
  Conversation plain(kMaxRows, byte_tokens(), tiny);
  plain.ask(tokens, options);
  const auto text = plain.session().tokens();
  return std::make_unique<Oracle>(Tokens(text.begin(), text.end()), kind == 1 ? 10 : 7, seed);
}

TEST(SpeculatedAnswers, are_those_without_for_any_model_prompt_and_options) {
  const std::vector<std::string> names = models::fixture_names();
  Totals totals;
  for (uint32_t trial = 0; trial < 240; ++trial) {
    SCOPED_TRACE(trial);
    std::mt19937 random(trial);
    const TinyModel tiny = {names[trial % names.size()],
                            one_of({compute::KvType::kF32, compute::KvType::kF16}, random)};
    text::TokenizerFile vocabulary = byte_tokens();
    if (trial % 4 == 0) vocabulary.numbers = {{"eos_token_id", random() % kVocab}};
    Conversation plain(kMaxRows, vocabulary, tiny);
    const Tokens tokens = random_prompt(random);
    const GenerateOptions options = random_options(plain, random);
    Conversation speculating(one_of({1, 3, kMaxRows, 64}, random), vocabulary, tiny,
                             make_proposer(trial % 3, tiny, tokens, options, trial));
    expect_plain_answers(plain, speculating, tokens, options, totals);
  }
  EXPECT_GT(totals.n_accepted, 1000);
  EXPECT_GT(totals.n_proposed, totals.n_accepted + 1000);
}

TEST(SpeculatedAnswers, are_those_without_where_running_ahead_must_pay) {
  Conversation plain, speculating;
  GenerateOptions options = with_logprobs(-1);
  ASSERT_TRUE(options.sampling.set("temperature", 0));
  const Answer expected = plain.ask(prompt(20), options);
  options.speculation = Speculation::kAuto;
  for (int turn = 0; turn < 3; ++turn) expect_same(speculating.ask(prompt(20), options), expected);
}

TEST(SpeculatedAnswers, do_not_fail_for_a_guess_that_no_step_can_run) {
  class Broken : public Proposer {
   public:
    void begin() override {}
    bool propose_next(std::span<const TokenId>, std::vector<Proposal>& proposals) override {
      proposals.push_back({kVocab, 0});
      return true;
    }
    bool is_free() const override { return true; }
  };
  GenerateOptions options = with_logprobs(12);
  const Answer expected = Conversation().ask(prompt(20), options);
  options.speculation = Speculation::kAlways;
  Conversation speculating(kMaxRows, byte_tokens(), {}, std::make_unique<Broken>());
  const Answer found = speculating.ask(prompt(20), options);
  expect_same(found, expected);
  EXPECT_EQ(found.done.stats.speculation.n_proposed, 0);
  EXPECT_EQ(found.done.stats.speculation.n_steps, 11);
}

TEST(SpeculatedAnswers, cancelled_among_tokens_run_ahead_leave_a_cache_that_answers) {
  const Answer whole = Conversation().ask(prompt(20), with_logprobs(30));
  Tokens text = prompt(20);
  text.insert(text.end(), whole.tokens.begin(), whole.tokens.end());
  Conversation conversation(kMaxRows, byte_tokens(), {}, std::make_unique<Oracle>(text, 10, 1));
  GenerateOptions options = with_logprobs(30);
  options.speculation = Speculation::kAlways;
  GenerateCallbacks callbacks;
  callbacks.is_cancelled = [n = 0]() mutable { return ++n == 9; };  // two steps of the prompt
  const Answer cancelled = conversation.ask(prompt(20), options, callbacks);
  EXPECT_EQ(cancelled.done.reason, DoneReason::kCancelled);
  EXPECT_EQ(cancelled.tokens, Tokens(whole.tokens.begin(), whole.tokens.begin() + 7));
  Tokens next(conversation.session().tokens().begin(), conversation.session().tokens().end());
  next.push_back(3);
  expect_same(conversation.ask(next, with_logprobs(8)), Conversation().ask(next, with_logprobs(8)));
}

// Knows how the text will go on.
class Right : public Proposer {
 public:
  Right(const Tokens& before, const Answer& after) : text_(before) {
    text_.insert(text_.end(), after.tokens.begin(), after.tokens.end());
  }
  void begin() override {}
  bool propose_next(std::span<const TokenId> text, std::vector<Proposal>& proposals) override {
    proposals.push_back({text_[text.size() + proposals.size()], 0});
    return true;
  }
  bool is_free() const override { return true; }

 private:
  Tokens text_;
};

TEST(SpeculatedAnswers, draw_no_row_that_pads_the_head) {
  text::TokenizerFile vocabulary = byte_tokens();
  vocabulary.tokens.resize(64);
  vocabulary.types.resize(64);
  GenerateOptions options = with_logprobs(40);
  ASSERT_TRUE(options.sampling.set("temperature", 5));
  ASSERT_TRUE(options.sampling.set("top_k", 0));
  const Answer expected = Conversation(kMaxRows, vocabulary).ask(prompt(20), options);
  options.speculation = Speculation::kAlways;
  Conversation speculating(kMaxRows, vocabulary, {}, std::make_unique<Right>(prompt(20), expected));
  const Answer found = speculating.ask(prompt(20), options);
  expect_same(found, expected);
  EXPECT_EQ(found.done.stats.speculation.n_accepted, 36);  // and 3 steps, after the first token
}

TEST(SpeculatedAnswers, take_fewer_steps_where_guesses_are_right) {
  const Answer whole = Conversation().ask(prompt(20), at_most(33));
  Conversation conversation(64, byte_tokens(), {}, std::make_unique<Right>(prompt(20), whole));
  GenerateOptions options = at_most(33);
  options.speculation = Speculation::kAlways;
  const Answer answer = conversation.ask(prompt(20), options);
  EXPECT_EQ(answer.done.stats.speculation.n_steps, 2);  // of 16 rows each, after the first token
  EXPECT_EQ(answer.done.stats.speculation.n_accepted, 30);
}

}  // namespace
}  // namespace hearth::engine
