// What a scheduler promises beside the answers: turns, limits, prefixes, errors, no lost block.
#include "engine/scheduler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <memory>
#include <random>

#include "tests/engine/serving.h"
#include "tests/engine/speculation/plain_answers.h"
#include "tests/models/edited_model.h"

namespace hearth::engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Request asking(const Tokens& tokens, const GenerateOptions& options) {
  Request request;
  request.prompt = tokens;
  request.options = options;
  return request;
}

TEST(Scheduler, a_full_queue_refuses_with_the_numbers) {
  Serving serving({.scheduler = {.max_running = 2, .max_queued = 3}});
  for (int i = 0; i < 2; ++i) serving.submit(prompt(10), at_most(20));
  serving.step();
  for (int i = 0; i < 3; ++i) serving.submit(prompt(10), at_most(20));
  const Error error = serving.refusal(asking(prompt(10), at_most(20)));
  EXPECT_EQ(error.code, ErrorCode::kLimitExceeded);
  EXPECT_EQ(error.message, "2 requests run and 3 wait, as many as may; try again later");
  serving.run();
  serving.submit(prompt(10), at_most(20));
}

TEST(Scheduler, refuses_what_a_session_refuses) {
  Serving serving;
  const auto message = [&](const Tokens& tokens, const GenerateOptions& options) {
    return serving.refusal(asking(tokens, options)).message;
  };
  EXPECT_EQ(serving.refusal(asking(Tokens(kContext + 1, 3), at_most(0))).code,
            ErrorCode::kContextExceeded);
  EXPECT_THAT(message(Tokens(kContext + 1, 3), at_most(0)),
              HasSubstr("has 97 tokens, the context holds 96 (n_ctx); shorten"));
  EXPECT_THAT(message(Tokens(kContext, 3), at_most(1)), HasSubstr("and needs room"));
  EXPECT_EQ(message({}, at_most(1)), "the prompt is empty");
  EXPECT_EQ(message(prompt(9), at_most(-2)), "n_predict: -2 is below -1");
  EXPECT_EQ(message({1, kVocab}, at_most(1)), "the prompt has token 128, the model's are 0 to 127");
  EXPECT_TRUE(serving.scheduler().is_idle());
}

TEST(Scheduler, a_prompt_longer_than_the_whole_cache_is_refused_with_the_numbers) {
  Serving serving({.n_kv_positions = 64});
  EXPECT_THAT(serving.refusal(asking(Tokens(65, 3), at_most(1))).message,
              HasSubstr("has 65 tokens, the context holds 64"));
  const RequestId id = serving.submit(prompt(40), at_most(-1));
  serving.run();
  EXPECT_EQ(serving.answer(id).done.reason, DoneReason::kLength);
  EXPECT_EQ(serving.answer(id).done.stats.n_generated, 24);
}

TEST(Scheduler, options_out_of_range_are_refused) {
  Conversation conversation;
  const auto made = Scheduler::create(conversation.model(), conversation.tokenizer(),
                                      {.max_running = kMaxRows + 1});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().message, "max_running: 17 is out of range [1, 16]");
}

TEST(Scheduler, the_next_turn_finds_prompt_and_answer_in_the_cache) {
  Serving serving;
  const RequestId first = serving.submit(prompt(40), at_most(40));
  serving.run();
  EXPECT_EQ(serving.answer(first).done.stats.n_cached, 0);
  EXPECT_THAT(serving.heard(first).prompt_done, ElementsAre(0, 16, 32, 40));
  Tokens next = prompt(40);
  const Tokens& drawn = serving.answer(first).tokens;
  next.insert(next.end(), drawn.begin(), drawn.end());
  const RequestId second = serving.submit(next, at_most(1));
  serving.run();
  EXPECT_EQ(serving.answer(second).done.stats.n_cached, 64);
  EXPECT_EQ(serving.answer(second).done.stats.diverged_at, std::nullopt);
  EXPECT_THAT(serving.heard(second).prompt_done, ElementsAre(64, 80));
}

TEST(Scheduler, a_missed_prefix_is_explained) {
  Serving serving;
  serving.submit(prompt(70), at_most(1));
  serving.run();
  Tokens other = prompt(70);
  other[45] = (other[45] + 1) % kVocab;
  const RequestId id = serving.submit(other, at_most(1));
  serving.run();
  EXPECT_EQ(serving.answer(id).done.stats.n_cached, 32);
  EXPECT_EQ(serving.answer(id).done.stats.diverged_at, 45);
}

TEST(Scheduler, the_last_token_of_a_cached_prompt_is_run) {
  Serving serving;
  serving.submit(prompt(64), at_most(1));
  serving.run();
  const RequestId id = serving.submit(prompt(64), with_logprobs(3));
  serving.run();
  EXPECT_EQ(serving.answer(id).done.stats.n_cached, 32);
  expect_same(serving.answer(id), Conversation().ask(prompt(64), with_logprobs(3)));
}

TEST(Scheduler, a_tenant_finds_no_prefix_of_another) {
  Serving serving;
  for (const std::string tenant : {"a", "b"}) {
    Request request = asking(prompt(70), at_most(1));
    request.tenant = tenant;
    const RequestId id = serving.submit(std::move(request));
    serving.run();
    EXPECT_EQ(serving.answer(id).done.stats.n_cached, 0);
  }
}

TEST(Scheduler, choices_submitted_together_share_their_prompt) {
  Serving serving;
  std::vector<RequestId> ids;
  for (int i = 0; i < 4; ++i) ids.push_back(serving.submit(prompt(70), at_most(4)));
  serving.run();
  EXPECT_EQ(serving.answer(ids[0]).done.stats.n_cached, 0);
  for (size_t i = 1; i < ids.size(); ++i) {
    EXPECT_EQ(serving.answer(ids[i]).done.stats.n_cached, 64);
  }
}

TEST(Scheduler, clients_with_the_same_prompt_run_it_once) {
  Serving serving;
  const RequestId a = serving.submit(prompt(96 - 4), at_most(1), "a");
  const RequestId b = serving.submit(prompt(96 - 4), at_most(1), "b");
  serving.run();
  const int32_t n_cached =
      serving.answer(a).done.stats.n_cached + serving.answer(b).done.stats.n_cached;
  EXPECT_EQ(n_cached, 64);
}

TEST(Scheduler, a_flood_of_one_client_does_not_starve_another) {
  Serving serving({.scheduler = {.max_running = 4}});
  for (int i = 0; i < 50; ++i) serving.submit(prompt(10 + static_cast<size_t>(i)), at_most(8), "a");
  for (int i = 0; i < 3; ++i) serving.step();
  const int32_t submitted = serving.n_steps();
  const RequestId id = serving.submit(prompt(30), at_most(8), "b");
  serving.run();
  // Four requests run: the first to end makes room, and two of their prompts may be before it.
  EXPECT_LE(serving.heard(id).first_token_step - submitted, 16);
}

TEST(Scheduler, a_long_prompt_delays_an_answer_by_a_chunk_a_step_at_most) {
  Serving serving({.scheduler = {.prompt_chunk = 5}, .max_rows = 64});
  const RequestId answering = serving.submit(prompt(10), at_most(40), "a");
  serving.step();
  const RequestId reading = serving.submit(prompt(50), at_most(1), "b");
  for (size_t i = 0; i < 10; ++i) {
    const size_t n_before = serving.heard(answering).answer.tokens.size();
    serving.step();
    EXPECT_EQ(serving.heard(answering).answer.tokens.size(), n_before + 1);
  }
  EXPECT_THAT(serving.heard(reading).prompt_done,
              ElementsAre(0, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50));
}

TEST(Scheduler, prompts_take_turns_by_client) {
  Serving serving({.scheduler = {.max_running = 8}, .max_rows = 8});
  const RequestId first = serving.submit(prompt(60), at_most(1), "a");
  const RequestId second = serving.submit(Tokens(60, 3), at_most(1), "a");
  const RequestId other = serving.submit(Tokens(16, 4), at_most(1), "b");
  for (int i = 0; i < 4; ++i) serving.step();
  EXPECT_TRUE(serving.heard(other).is_done);
  EXPECT_THAT(serving.heard(first).prompt_done, ElementsAre(0, 8, 16));
  EXPECT_THAT(serving.heard(second).prompt_done, IsEmpty());
}

TEST(Scheduler, a_cancelled_request_is_done_and_gives_up_its_blocks) {
  Serving serving;
  const RequestId kept = serving.submit(prompt(20), with_logprobs(20));
  const RequestId cancelled = serving.submit(Tokens(70, 3), at_most(20));
  for (int i = 0; i < 3; ++i) serving.step();
  EXPECT_TRUE(serving.scheduler().cancel(cancelled));
  EXPECT_FALSE(serving.heard(cancelled).is_done);
  serving.step();
  EXPECT_EQ(serving.answer(cancelled).done.reason, DoneReason::kCancelled);
  EXPECT_EQ(serving.scheduler().n_running(), 1);
  EXPECT_FALSE(serving.scheduler().cancel(cancelled));
  EXPECT_FALSE(serving.scheduler().cancel(99));
  serving.run();
  expect_same(serving.answer(kept), Conversation().ask(prompt(20), with_logprobs(20)));
}

TEST(Scheduler, callbacks_may_submit_and_cancel) {
  Serving serving;
  RequestId other = serving.submit(prompt(12), at_most(-1));
  int n_done = 0;
  Request request = asking(prompt(10), at_most(3));
  request.callbacks.on_done = [&](const Generated&) {
    ++n_done;
    serving.scheduler().cancel(other);
    serving.submit(prompt(8), at_most(2));
  };
  ASSERT_TRUE(serving.scheduler().submit(std::move(request)));
  serving.run();
  EXPECT_EQ(n_done, 1);
  EXPECT_EQ(serving.answer(other).done.reason, DoneReason::kCancelled);
}

TEST(Scheduler, a_request_that_is_cancelled_with_its_last_piece_is_cancelled) {
  GenerateOptions options = at_most(3);
  // Held back until the answer ends, as it may become the stop string.
  options.stops = {Conversation().ask(prompt(10), options).text.substr(2) + "..."};
  Serving serving;
  RequestId id = 0;
  std::vector<DoneReason> reasons;
  Request request = asking(prompt(10), options);
  request.callbacks.on_piece = [&](const Piece& piece) {
    if (piece.token != -1) return;
    EXPECT_TRUE(serving.scheduler().cancel(id));
  };
  request.callbacks.on_done = [&](const Generated& done) { reasons.push_back(done.reason); };
  const auto submitted = serving.scheduler().submit(std::move(request));
  ASSERT_TRUE(submitted);
  id = *submitted;
  serving.run();
  EXPECT_THAT(reasons, ElementsAre(DoneReason::kCancelled));
}

TEST(Scheduler, what_callbacks_hold_may_submit_and_cancel_as_it_goes) {
  struct Handle {
    std::function<void()> last;
    ~Handle() { last(); }
  };
  Serving serving;
  const RequestId other = serving.submit(prompt(12), at_most(-1));
  RequestId id = 0;
  int n_gone = 0;
  {
    Request request = asking(prompt(10), at_most(2));
    request.callbacks.on_done = [handle = std::make_shared<Handle>([&] {
                                   ++n_gone;
                                   EXPECT_FALSE(serving.scheduler().cancel(id));
                                   EXPECT_TRUE(serving.scheduler().cancel(other));
                                   serving.submit(prompt(8), at_most(2));
                                 })](const Generated&) {};
    id = *serving.scheduler().submit(std::move(request));
  }
  for (int i = 0; i < 3; ++i) serving.submit(prompt(9 + i), at_most(5));
  serving.run();
  EXPECT_EQ(n_gone, 1);
  EXPECT_EQ(serving.answer(other).done.reason, DoneReason::kCancelled);
}

TEST(Scheduler, log_probabilities_of_a_prompt_are_those_of_the_models_logits) {
  const Tokens tokens = prompt(70);
  auto model =
      value_or_fail(models::Session::open(fixture().path(), {.n_ctx = kContext, .max_rows = 128},
                                          compute::make_cpu_backend({.n_threads = 2})));
  const std::vector<float> logits = value_or_fail(model->run(tokens));
  std::vector<float> expected;
  for (size_t i = 0; i + 1 < tokens.size(); ++i) {
    const auto row = std::span(logits).subspan(i * kVocab, kVocab);
    const Logprobs logprobs = logprobs_of(row, tokens[i + 1], 2);
    expected.push_back(logprobs.chosen.logprob);
    for (const auto& other : logprobs.top) expected.push_back(other.logprob);
  }
  Serving serving({.n_kv_positions = 128});
  for (int turn = 0; turn < 2; ++turn) {  // whatever is cached
    const RequestId other = serving.submit(Tokens(30, turn), at_most(-1));
    Request request = asking(tokens, with_logprobs(20));
    request.n_prompt_logprobs = 2;
    const RequestId id = serving.submit(std::move(request));
    serving.run();
    EXPECT_EQ(serving.answer(id).done.stats.n_cached, 0);
    EXPECT_EQ(serving.heard(id).prompt_logprobs, expected);
    expect_same(serving.answer(id), Conversation().ask(tokens, with_logprobs(20)));
    EXPECT_EQ(serving.answer(other).tokens.size(), static_cast<size_t>(kContext - 30));
  }
  EXPECT_EQ(serving.scheduler().n_preemptions(), 2);  // within the prompt
}

TEST(Scheduler, prompts_with_log_probabilities_share_a_bounded_number_of_rows) {
  Serving serving({.scheduler = {.scored_chunk = 6}, .max_rows = 64});
  std::vector<RequestId> ids;
  for (const TokenId token : {3, 4}) {
    Request request = asking(Tokens(16, token), at_most(0));
    request.n_prompt_logprobs = 0;
    ids.push_back(serving.submit(std::move(request)));
  }
  serving.run();
  EXPECT_EQ(serving.n_steps(), 6);  // for 2 x 16 rows
  for (const RequestId id : ids) {
    EXPECT_EQ(serving.heard(id).prompt_logprobs.size(), 15u);
    EXPECT_EQ(serving.answer(id).done.reason, DoneReason::kLength);
  }
}

TEST(Scheduler, an_answer_that_cannot_go_on_ends_alone) {
  Serving serving;
  const RequestId stuck = serving.submit(
      prompt(20), held_to(serving.tokenizer(), R"({"const": "\u00e9"})", at_most(9)));
  const RequestId other = serving.submit(prompt(30), with_logprobs(9));
  serving.run();
  ASSERT_TRUE(serving.heard(stuck).error);
  EXPECT_THAT(serving.heard(stuck).error->message, HasSubstr("no token continues"));
  expect_same(serving.answer(other), Conversation().ask(prompt(30), with_logprobs(9)));
}

TEST(Scheduler, a_step_that_fails_ends_only_the_request_that_it_fails_for) {
  constexpr TokenId kBroken = 100;
  const auto path = models::write_edited(
      fixture("llama"), {.on_tensors = [](std::vector<models::EditableTensor>& tensors) {
        auto& table = models::tensor_named(tensors, "token_embd.weight");
        const float nan = std::numeric_limits<float>::quiet_NaN();
        std::memcpy(table.bytes.data() + kBroken * table.dims[0] * sizeof(float), &nan,
                    sizeof(nan));
      }});
  Serving serving({.path = path});
  const RequestId good = serving.submit({1, 2, 3}, with_logprobs(4));
  const RequestId bad = serving.submit({1, kBroken}, at_most(4));
  serving.run();
  ASSERT_TRUE(serving.heard(bad).error);
  EXPECT_EQ(serving.heard(bad).error->code, ErrorCode::kNonFinite);
  expect_same(serving.answer(good),
              Conversation(kMaxRows, byte_tokens(), {"llama"}).ask({1, 2, 3}, with_logprobs(4)));
}

}  // namespace
}  // namespace hearth::engine
