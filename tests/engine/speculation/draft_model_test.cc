#include "engine/speculation/draft_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/engine/speculation/plain_answers.h"

namespace hearth::engine {
namespace {

using testing::HasSubstr;

std::unique_ptr<Proposer> draft_of(Conversation& draft) {
  return value_or_fail(DraftModel::create(draft.model(), draft.tokenizer(), draft.tokenizer()));
}

// Tokens and how sure they are.
std::vector<std::pair<TokenId, int32_t>> guessed(Proposer& draft, const Tokens& text, size_t n) {
  std::vector<Proposal> proposals;
  while (proposals.size() < n) EXPECT_TRUE(draft.propose_next(text, proposals));
  std::vector<std::pair<TokenId, int32_t>> guesses;
  for (const Proposal& proposal : proposals)
    guesses.emplace_back(proposal.token, proposal.sureness);
  return guesses;
}

TEST(DraftModel, guesses_the_same_whatever_it_has_run_before) {
  Conversation one, other;
  const auto used = draft_of(one), fresh = draft_of(other);
  for (size_t n = 1; n <= 40; n += 3) {
    Tokens text = prompt(n);
    const auto guesses = guessed(*used, text, 6);
    for (size_t i = 0; i < 3; ++i) text.push_back(guesses[i].first);  // as if they had been drawn
    EXPECT_EQ(guessed(*used, text, 3), std::vector(guesses.begin() + 3, guesses.end()));
    text.push_back((guesses[3].first + 1) % kVocab);
    EXPECT_EQ(guessed(*used, text, 5), guessed(*fresh, text, 5));
  }
}

TEST(DraftModel, of_the_same_weights_guesses_every_token_of_a_greedy_answer) {
  Conversation draft, plain;
  Conversation speculating(kMaxRows, byte_tokens(), {}, draft_of(draft));
  GenerateOptions options = with_logprobs(34);
  ASSERT_TRUE(options.sampling.set("temperature", 0));
  Totals totals;
  expect_plain_answers(plain, speculating, prompt(40), options, totals);
  EXPECT_EQ(totals.n_proposed, 30);  // after the first token two steps of 16, and one of 1
  EXPECT_EQ(totals.n_accepted, 30);
}

TEST(DraftModel, of_other_weights_changes_no_answer) {
  Totals totals;
  for (uint32_t trial = 0; trial < 60; ++trial) {
    SCOPED_TRACE(trial);
    std::mt19937 random(trial);
    Conversation draft(one_of({1, 5, 16}, random), byte_tokens(), {.name = "smollm2"});
    Conversation plain;
    Conversation speculating(kMaxRows, byte_tokens(), {}, draft_of(draft));
    const Tokens tokens = random_prompt(random);
    const GenerateOptions options = random_options(plain, random);
    expect_plain_answers(plain, speculating, tokens, options, totals);
    expect_plain_answers(plain, speculating, random_prompt(random), options, totals);
  }
  EXPECT_GT(totals.n_accepted, 0);
  EXPECT_GT(totals.n_proposed, 1000);
}

// Runs n_steps, then none.
class FailingBackend : public compute::Backend {
 public:
  explicit FailingBackend(int n_steps)
      : inner_(compute::make_cpu_backend({.n_threads = 1})), n_steps_(n_steps) {}
  Result<compute::MatrixId> add_matrix(const compute::MatrixSource& source) override {
    return inner_->add_matrix(source);
  }
  compute::VectorId add_vector(std::span<const float> values) override {
    return inner_->add_vector(values);
  }
  Result<compute::TableId> add_table(const compute::MatrixSource& source) override {
    return inner_->add_table(source);
  }
  Result<void> prepare(compute::Program program, const compute::KvConfig& kv,
                       int32_t max_rows) override {
    return inner_->prepare(std::move(program), kv, max_rows);
  }
  Result<void> run(const compute::Batch& batch, std::span<float> logits) override {
    if (n_steps_-- <= 0) return fail(ErrorCode::kNonFinite, "no step is left");
    return inner_->run(batch, logits);
  }
  Result<compute::StepRun> run_timed(const compute::Batch& batch,
                                     std::span<float> logits) override {
    return inner_->run_timed(batch, logits);
  }
  uint64_t matrix_bytes(quant::Type type, int64_t n_rows, int64_t n_cols) const override {
    return inner_->matrix_bytes(type, n_rows, n_cols);
  }
  std::string description() const override { return inner_->description(); }
  std::vector<std::string> slow_paths() const override { return inner_->slow_paths(); }

 private:
  std::unique_ptr<compute::Backend> inner_;
  int n_steps_;
};

TEST(DraftModel, that_fails_is_gone_without_a_change_to_the_answer) {
  gguf::File file = value_or_fail(gguf::File::open(fixture().path()));
  const auto model = value_or_fail(models::Model::load(file, std::make_unique<FailingBackend>(7),
                                                       {.n_ctx = kContext, .max_rows = 32}));
  Conversation plain;
  Conversation speculating(
      kMaxRows, byte_tokens(), {},
      value_or_fail(DraftModel::create(*model, plain.tokenizer(), plain.tokenizer())));
  Totals totals;
  testing::internal::CaptureStderr();
  expect_plain_answers(plain, speculating, prompt(20), with_logprobs(40), totals);
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_THAT(said, HasSubstr("goes on without it: no step is left"));
  EXPECT_EQ(std::ranges::count(said, '\n'), 1);
  EXPECT_EQ(totals.n_proposed, 7);
}

TEST(DraftModel, with_a_shorter_context_stops_guessing_there) {
  gguf::File file = value_or_fail(gguf::File::open(fixture().path()));
  const auto model = value_or_fail(models::Model::load(
      file, compute::make_cpu_backend({.n_threads = 1}), {.n_ctx = 32, .max_rows = 8}));
  Conversation plain;
  Conversation speculating(
      kMaxRows, byte_tokens(), {},
      value_or_fail(DraftModel::create(*model, plain.tokenizer(), plain.tokenizer())));
  Totals totals;
  expect_plain_answers(plain, speculating, prompt(20), with_logprobs(-1), totals);
  EXPECT_GT(totals.n_proposed, 0);
  EXPECT_LT(totals.n_proposed, 13 * 15);
}

TEST(DraftModel, of_another_vocabulary_is_refused_with_the_first_difference) {
  Conversation draft;
  text::TokenizerFile other = byte_tokens();
  std::swap(other.tokens[65], other.tokens[66]);
  const auto swapped = value_or_fail(other.load());
  const auto refused = DraftModel::create(draft.model(), draft.tokenizer(), *swapped);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(refused.error().message, HasSubstr(R"(its token 65 is "A", the model's "B")"));

  other = byte_tokens();
  other.tokens.resize(100);
  other.types.resize(100);
  const auto shorter = value_or_fail(other.load());
  const auto longer = DraftModel::create(draft.model(), draft.tokenizer(), *shorter);
  ASSERT_FALSE(longer);
  EXPECT_THAT(longer.error().message, HasSubstr("128 tokens, the model has 100"));
}

}  // namespace
}  // namespace hearth::engine
