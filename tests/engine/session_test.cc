// A session on a tiny model: what it keeps between prompts must never change an answer.
#include "engine/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "tests/engine/conversation.h"

namespace hearth::engine {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::Gt;
using testing::HasSubstr;
using testing::Lt;

Answer fresh(const Tokens& tokens, const GenerateOptions& options) {
  return Conversation().ask(tokens, options);
}

TEST(Session, a_reused_prefix_gives_the_bits_of_a_fresh_session) {
  Conversation conversation;
  conversation.ask(prompt(60), with_logprobs(8));
  Tokens other = prompt(50);
  other[47] = (other[47] + 1) % kVocab;
  const Answer answer = conversation.ask(other, with_logprobs(8));
  EXPECT_EQ(answer.done.stats.n_prompt, 50);
  EXPECT_EQ(answer.done.stats.n_cached, 47);
  expect_same(answer, fresh(other, with_logprobs(8)));
}

TEST(Session, the_next_turn_finds_prompt_and_answer_in_the_cache) {
  Conversation conversation;
  conversation.ask(prompt(40), with_logprobs(8));
  Tokens next(conversation.session().tokens().begin(), conversation.session().tokens().end());
  ASSERT_EQ(next.size(), 48u);
  next.insert(next.end(), {5, 6, 7});
  const Answer answer = conversation.ask(next, with_logprobs(8));
  EXPECT_EQ(answer.done.stats.n_cached, 47);  // the last token drawn was never run
  expect_same(answer, fresh(next, with_logprobs(8)));
}

TEST(Session, the_same_prompt_again_runs_its_last_token_alone) {
  Conversation conversation;
  const Answer first = conversation.ask(prompt(40), with_logprobs(8));
  EXPECT_EQ(first.done.stats.n_cached, 0);
  const Answer again = conversation.ask(prompt(40), with_logprobs(8));
  EXPECT_EQ(again.done.stats.n_cached, 39);
  expect_same(again, first);
}

TEST(Session, a_cleared_session_finds_nothing_in_the_cache) {
  Conversation conversation;
  conversation.ask(prompt(40), at_most(8));
  conversation.session().clear();
  EXPECT_TRUE(conversation.session().tokens().empty());
  EXPECT_EQ(conversation.ask(prompt(40), at_most(8)).done.stats.n_cached, 0);
}

TEST(Session, steps_of_any_size_give_the_same_answer) {
  const Answer expected = fresh(prompt(60), with_logprobs(8));
  for (const int32_t max_rows : {1, 7, 31, 64}) {
    expect_same(Conversation(max_rows).ask(prompt(60), with_logprobs(8)), expected);
  }
}

TEST(Session, reports_the_prompt_before_the_first_step_and_after_each) {
  Conversation conversation;
  std::vector<int32_t> done;
  GenerateCallbacks callbacks;
  callbacks.on_prompt = [&](int32_t n_done, int32_t n_total) {
    done.push_back(n_done);
    EXPECT_EQ(n_total, 40);
  };
  conversation.ask(prompt(40), at_most(1), callbacks);
  EXPECT_THAT(done, ElementsAre(0, 16, 32, 40));
}

TEST(Session, a_prompt_that_leaves_no_room_is_refused_with_both_numbers) {
  Conversation conversation;
  const Error longer = conversation.refusal(Tokens(kContext + 1, 3), at_most(0));
  EXPECT_EQ(longer.code, ErrorCode::kContextExceeded);
  EXPECT_THAT(longer.message, HasSubstr("has 97 tokens, the context holds 96 (n_ctx); shorten"));
  const Error full = conversation.refusal(Tokens(kContext, 3), at_most(1));
  EXPECT_EQ(full.code, ErrorCode::kContextExceeded);
  EXPECT_THAT(full.message,
              HasSubstr("has 96 tokens, the context holds 96 (n_ctx) and needs room"));
  EXPECT_EQ(conversation.ask(Tokens(kContext, 3), at_most(0)).done.stats.n_prompt, 96);
}

TEST(Session, an_empty_prompt_and_bad_options_are_refused) {
  Conversation conversation;
  const Answer expected = conversation.ask(prompt(20), with_logprobs(4));
  EXPECT_EQ(conversation.refusal({}, at_most(4)).message, "the prompt is empty");
  EXPECT_EQ(conversation.refusal(prompt(9), at_most(-2)).message, "n_predict: -2 is below -1");
  GenerateOptions empty_stop = at_most(4), unknown_token = at_most(4);
  empty_stop.stops = {""};
  EXPECT_THAT(conversation.refusal(prompt(9), empty_stop).message, HasSubstr("stop string"));
  ASSERT_TRUE(unknown_token.sampling.set_logit_bias(kVocab, 1));
  EXPECT_THAT(conversation.refusal(prompt(9), unknown_token).message, HasSubstr("token 128"));
  const Answer again = conversation.ask(prompt(20), with_logprobs(4));
  EXPECT_EQ(again.done.stats.n_cached, 19);  // refused before the cache was touched
  expect_same(again, expected);
}

TEST(Session, an_answer_ends_before_a_stop_string_over_several_tokens) {
  const Answer whole = fresh(prompt(40), at_most(20));
  GenerateOptions options = at_most(20);
  options.stops = {whole.text.substr(6, 3)};
  ASSERT_EQ(whole.text.find(options.stops[0]), 6u);
  const Answer answer = fresh(prompt(40), options);
  EXPECT_EQ(answer.text, whole.text.substr(0, 6));
  EXPECT_EQ(answer.done.reason, DoneReason::kStop);
  EXPECT_EQ(answer.done.stats.n_generated, 9);
}

TEST(Session, the_beginning_of_a_stop_string_is_shown_when_the_answer_ends_there) {
  const Answer whole = fresh(prompt(40), at_most(20));
  GenerateOptions options = at_most(8);
  options.stops = {whole.text.substr(6, 3)};
  const Answer answer = fresh(prompt(40), options);
  EXPECT_EQ(answer.text, whole.text.substr(0, 8));
  EXPECT_EQ(answer.done.reason, DoneReason::kLength);
}

TEST(Session, an_answer_has_n_predict_tokens_or_fills_the_context) {
  Conversation conversation;
  for (const int32_t n : {0, 1, 5}) {
    const Answer answer = conversation.ask(prompt(40), at_most(n));
    EXPECT_EQ(answer.tokens.size(), static_cast<size_t>(n));
    EXPECT_EQ(answer.done.stats.n_generated, n);
    EXPECT_EQ(answer.done.reason, DoneReason::kLength);
  }
  for (const int32_t n : {-1, 1000}) {
    EXPECT_EQ(conversation.ask(prompt(40), at_most(n)).done.stats.n_generated, kContext - 40);
  }
}

TEST(Session, a_token_that_ends_generation_ends_the_answer_unseen_unless_ignored) {
  const Answer whole = fresh(prompt(40), at_most(20));
  const auto first = std::ranges::find(whole.tokens, whole.tokens[5]);
  const auto at = static_cast<size_t>(first - whole.tokens.begin());
  text::TokenizerFile vocabulary = byte_tokens();
  vocabulary.numbers = {{"eos_token_id", static_cast<uint32_t>(*first)}};

  Conversation conversation(kMaxRows, vocabulary);
  const Answer ended = conversation.ask(prompt(40), at_most(20));
  EXPECT_EQ(ended.text, whole.text.substr(0, at));
  EXPECT_EQ(ended.tokens, Tokens(whole.tokens.begin(), first));
  EXPECT_EQ(ended.done.reason, DoneReason::kStop);
  EXPECT_EQ(ended.done.stats.n_generated, static_cast<int32_t>(at) + 1);

  GenerateOptions options = at_most(20);
  options.ignores_end = true;
  expect_same(conversation.ask(prompt(40), options), whole);
}

TEST(Session, rows_of_the_head_beyond_the_last_token_are_never_drawn) {
  constexpr TokenId kTokens = 64;
  text::TokenizerFile vocabulary = byte_tokens();
  vocabulary.tokens.resize(kTokens);
  vocabulary.types.resize(kTokens);
  GenerateOptions options = at_most(50);
  options.n_logprobs = kTokens;
  for (const double temperature : {0.0, 5.0}) {
    ASSERT_TRUE(options.sampling.set("temperature", temperature));
    ASSERT_TRUE(options.sampling.set("top_k", 0));
    const Answer answer = Conversation(kMaxRows, vocabulary).ask(prompt(40), options);
    EXPECT_EQ(answer.tokens.size(), 50u);
    EXPECT_THAT(answer.tokens, Each(Lt(kTokens)));
    EXPECT_THAT(answer.logprobs, Each(Gt(-std::numeric_limits<float>::infinity())));
  }
}

TEST(Session, cancelled_in_the_prompt_it_keeps_the_steps_that_were_run) {
  Conversation conversation;
  GenerateCallbacks callbacks;
  callbacks.is_cancelled = [n = 0]() mutable { return ++n == 3; };
  const Answer cancelled = conversation.ask(prompt(60), with_logprobs(8), callbacks);
  EXPECT_EQ(cancelled.done.reason, DoneReason::kCancelled);
  EXPECT_EQ(cancelled.done.stats.n_generated, 0);
  const Answer answer = conversation.ask(prompt(60), with_logprobs(8));
  EXPECT_EQ(answer.done.stats.n_cached, 2 * kMaxRows);
  expect_same(answer, fresh(prompt(60), with_logprobs(8)));
}

TEST(Session, cancelled_in_the_answer_it_answers_the_next_prompt_as_a_fresh_one) {
  Conversation conversation;
  GenerateCallbacks callbacks;
  callbacks.is_cancelled = [&, n = 0]() mutable { return ++n == 4; };  // one step of the prompt
  const Answer cancelled = conversation.ask(prompt(10), with_logprobs(8), callbacks);
  const Answer expected = fresh(prompt(10), with_logprobs(8));
  EXPECT_EQ(cancelled.done.reason, DoneReason::kCancelled);
  EXPECT_EQ(cancelled.tokens, Tokens(expected.tokens.begin(), expected.tokens.begin() + 3));
  expect_same(conversation.ask(prompt(10), with_logprobs(8)), expected);
}

TEST(Session, an_error_in_a_step_leaves_the_steps_before_it) {
  Conversation conversation;
  Tokens bad = prompt(40);
  bad[20] = kVocab;
  int n_reports = 0;
  GenerateCallbacks callbacks;
  callbacks.on_prompt = [&](int32_t, int32_t) { ++n_reports; };
  const Error error = conversation.refusal(bad, at_most(8), callbacks);
  EXPECT_EQ(error.code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(error.message, HasSubstr("token 128 of 128"));
  EXPECT_EQ(n_reports, 2);  // before the first step, after it
  const Answer answer = conversation.ask(prompt(40), with_logprobs(8));
  EXPECT_EQ(answer.done.stats.n_cached, kMaxRows);
  expect_same(answer, fresh(prompt(40), with_logprobs(8)));
}

TEST(Session, logprobs_are_of_the_models_logits_whatever_sampling_does_to_them) {
  Conversation conversation;
  GenerateOptions options = at_most(2);
  options.n_logprobs = 3;
  ASSERT_TRUE(options.sampling.set("presence_penalty", 5));
  for (TokenId token = 0; token < kVocab; token += 2) {
    ASSERT_TRUE(options.sampling.set_logit_bias(token, -100));
  }
  std::vector<Logprobs> found;
  GenerateCallbacks callbacks;
  callbacks.on_piece = [&](const Piece& piece) {
    ASSERT_NE(piece.logprobs, nullptr);
    found.push_back(*piece.logprobs);
  };
  ASSERT_TRUE(conversation.session().generate(prompt(10), options, callbacks));
  ASSERT_EQ(found.size(), 2u);

  auto model = value_or_fail(models::Session::open(fixture().path(),
                                                   {.n_ctx = kContext, .max_rows = kMaxRows},
                                                   compute::make_cpu_backend({.n_threads = 2})));
  Tokens tokens = prompt(10);
  tokens.push_back(found[0].chosen.token);
  const std::vector<float> logits = value_or_fail(model->run(tokens));
  for (size_t i = 0; i < 2; ++i) {
    const auto row = std::span(logits).subspan((9 + i) * kVocab, kVocab);
    const Logprobs expected = logprobs_of(row, found[i].chosen.token, 3);
    EXPECT_EQ(found[i].chosen.logprob, expected.chosen.logprob);
    ASSERT_EQ(found[i].top.size(), 3u);
    for (size_t k = 0; k < 3; ++k) {
      EXPECT_EQ(found[i].top[k].token, expected.top[k].token);
      EXPECT_EQ(found[i].top[k].logprob, expected.top[k].logprob);
    }
  }
}

TEST(Session, asking_for_logprobs_changes_no_token) {
  GenerateOptions options = at_most(20);
  ASSERT_TRUE(options.sampling.set("presence_penalty", 2));
  const Answer plain = fresh(prompt(40), options);
  EXPECT_TRUE(plain.logprobs.empty());
  options.n_logprobs = 0;
  const Answer answer = fresh(prompt(40), options);
  EXPECT_EQ(answer.logprobs.size(), 20u);  // the chosen tokens' alone
  EXPECT_EQ(answer.tokens, plain.tokens);
}

TEST(Session, the_tokens_of_the_prompt_count_as_repeated) {
  GenerateOptions options = at_most(8);
  ASSERT_TRUE(options.sampling.set("presence_penalty", 100));
  for (const TokenId token : fresh(prompt(40), options).tokens) {
    EXPECT_THAT(prompt(40), testing::Not(testing::Contains(token)));
  }
}

TEST(Session, a_reported_seed_draws_the_same_answer_again) {
  GenerateOptions options = at_most(20);
  ASSERT_TRUE(options.sampling.set("seed", -1));
  const Answer any = fresh(prompt(40), options);
  // Drawn from 32 bits, which a double holds.
  ASSERT_TRUE(options.sampling.set("seed", static_cast<double>(any.done.stats.seed)));
  expect_same(fresh(prompt(40), options), any);
}

TEST(Session, pieces_hold_whole_characters_and_what_is_left_is_replaced) {
  constexpr TokenId kLead = 0xC3 - 0x80, kTail = 0xA9 - 0x80;  // of U+00E9
  GenerateOptions options = at_most(-1);
  ASSERT_TRUE(options.sampling.set_logit_bias(kLead, 100));
  ASSERT_TRUE(options.sampling.set_logit_bias(kTail, 100));
  ASSERT_TRUE(options.sampling.set("temperature", 2));
  for (const int seed : {1, 2, 3, 4}) {  // answers that end in either
    ASSERT_TRUE(options.sampling.set("seed", seed));
    Conversation conversation(kMaxRows, byte_tokens(0x80));
    std::string text;
    Tokens tokens;
    GenerateCallbacks callbacks;
    callbacks.on_piece = [&](const Piece& piece) {
      EXPECT_EQ(find_invalid_utf8(piece.text), std::string_view::npos);
      text += piece.text;
      if (piece.token >= 0) tokens.push_back(piece.token);
    };
    ASSERT_TRUE(conversation.session().generate(prompt(40), options, callbacks));
    EXPECT_THAT(text, HasSubstr("\u00E9"));
    EXPECT_EQ(text, replace_invalid_utf8(conversation.tokenizer().decode(tokens, false)));
  }
}

TEST(Session, an_answer_held_to_a_schema_stops_when_it_is_complete) {
  Conversation conversation;
  const GenerateOptions options =
      held_to(conversation.tokenizer(), R"({"type": "integer", "minimum": 100, "maximum": 999})",
              at_most(40));
  const Answer first = conversation.ask(prompt(20), options);
  EXPECT_THAT(first.text, testing::MatchesRegex("[1-9][0-9][0-9]"));
  EXPECT_EQ(first.done.reason, DoneReason::kStop);
  EXPECT_EQ(first.done.stats.n_generated, 3);
  expect_same(conversation.ask(prompt(20), options), first);
}

TEST(Session, an_answer_held_to_a_schema_may_be_cut) {
  Conversation conversation;
  const Answer answer = conversation.ask(
      prompt(20), held_to(conversation.tokenizer(), R"({"const": "abcdef"})", at_most(4)));
  EXPECT_EQ(answer.text, "\"abc");
  EXPECT_EQ(answer.done.reason, DoneReason::kLength);
}

TEST(Session, log_probabilities_are_the_models_own_under_a_schema) {
  Conversation conversation;
  const Answer held = conversation.ask(
      prompt(20), held_to(conversation.tokenizer(), R"({"const": 7})", with_logprobs(5)));
  const Answer free = fresh(prompt(20), with_logprobs(1));
  ASSERT_EQ(held.text, "7");
  // after that of the token drawn: all, likeliest first
  EXPECT_EQ(std::vector<float>(held.logprobs.begin() + 1, held.logprobs.begin() + 1 + kVocab),
            std::vector<float>(free.logprobs.begin() + 1, free.logprobs.end()));
}

TEST(Session, an_answer_that_no_token_can_continue_is_an_error) {
  Conversation conversation;
  const GenerateOptions options = held_to(conversation.tokenizer(), R"({"const": "\u00e9"})",
                                          at_most(9));  // no token has its bytes
  EXPECT_THAT(conversation.refusal(prompt(20), options).message, HasSubstr("no token continues"));
  conversation.ask(prompt(20), at_most(2));
}

TEST(Session, ignoring_the_end_of_an_answer_held_to_a_schema_is_refused) {
  Conversation conversation;
  GenerateOptions options = held_to(conversation.tokenizer(), "json", at_most(9));
  options.ignores_end = true;
  EXPECT_THAT(conversation.refusal(prompt(20), options).message, HasSubstr("ignore_eos"));
}

}  // namespace
}  // namespace hearth::engine
