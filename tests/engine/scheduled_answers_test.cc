// Whatever else runs, an answer is the one that a session of its own gives: tokens, pieces and
// log-probabilities to the bit.
#include <gtest/gtest.h>

#include <random>

#include "tests/engine/serving.h"
#include "tests/engine/speculation/plain_answers.h"

namespace hearth::engine {
namespace {

struct Asked {
  Tokens tokens;
  GenerateOptions options;
};

// Prompts that begin alike now and then.
std::vector<Asked> random_requests(size_t n, const Conversation& plain, std::mt19937& random) {
  const Tokens common = prompt(64);
  std::vector<Asked> requests;
  for (size_t i = 0; i < n; ++i) {
    Tokens tokens = random_prompt(random);
    if (random() % 2 == 0) {
      tokens.resize(std::min<size_t>(tokens.size(), 20));
      tokens.insert(tokens.begin(), common.begin(),
                    common.begin() + static_cast<ptrdiff_t>(random() % 65));
    }
    requests.push_back({std::move(tokens), random_options(plain, random)});
  }
  return requests;
}

struct Seen {
  int64_t n_preemptions = 0;
  int32_t n_cached = 0;
};

// Requests that come while others run, held against each alone.
void expect_answers_of_sessions(uint32_t seed, ServingOptions options, Seen& seen) {
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  if (seed % 3 == 0) options.vocabulary.numbers = {{"eos_token_id", random() % kVocab}};
  Conversation alone(kMaxRows, options.vocabulary);
  const std::vector<Asked> requests = random_requests(12, alone, random);
  Serving serving(options);
  std::vector<RequestId> ids;
  for (const Asked& asked : requests) {
    ids.push_back(serving.submit(asked.tokens, asked.options, std::string(1, "abc"[random() % 3])));
    for (uint32_t n = random() % 4; n > 0; --n) serving.step();
  }
  serving.run();
  for (size_t i = 0; i < ids.size(); ++i) {
    SCOPED_TRACE(i);
    alone.session().clear();
    expect_same(serving.answer(ids[i]), alone.ask(requests[i].tokens, requests[i].options));
    seen.n_cached += serving.answer(ids[i]).done.stats.n_cached;
  }
  seen.n_preemptions += serving.scheduler().n_preemptions();
}

TEST(ScheduledAnswers, are_those_of_sessions_where_there_is_room) {
  Seen seen;
  for (uint32_t seed = 1; seed <= 12; ++seed) {
    expect_answers_of_sessions(seed, {.n_kv_positions = 16 * kContext}, seen);
  }
  EXPECT_EQ(seen.n_preemptions, 0);
  EXPECT_GT(seen.n_cached, 500);
}

TEST(ScheduledAnswers, are_those_of_sessions_where_requests_push_each_other_out) {
  Seen seen;
  for (uint32_t seed = 20; seed <= 40; ++seed) {
    std::mt19937 random(seed);
    const int32_t n_blocks = static_cast<int32_t>(3 + random() % 5);
    const SchedulerOptions scheduler = {.max_running = static_cast<int32_t>(2 + random() % 10),
                                        .prompt_chunk = static_cast<int32_t>(1 + random() % 40)};
    expect_answers_of_sessions(
        seed, {scheduler, n_blocks * compute::kKvBlockTokens, one_of({12, 16, 64}, random)}, seen);
  }
  EXPECT_GT(seen.n_preemptions, 20);
  EXPECT_GT(seen.n_cached, 500);
}

TEST(ScheduledAnswers, are_those_of_sessions_on_every_model) {
  Seen seen;
  const std::vector<std::string> names = models::fixture_names();
  for (const std::string& name : names) {
    SCOPED_TRACE(name);
    Conversation alone(kMaxRows, byte_tokens(), {name});
    Serving serving({.n_kv_positions = 5 * compute::kKvBlockTokens, .path = fixture(name).path()});
    std::vector<RequestId> ids;
    for (size_t i = 0; i < 4; ++i) ids.push_back(serving.submit(prompt(40 + i), with_logprobs(-1)));
    serving.run();
    for (size_t i = 0; i < 4; ++i) {
      alone.session().clear();
      expect_same(serving.answer(ids[i]), alone.ask(prompt(40 + i), with_logprobs(-1)));
    }
    seen.n_preemptions += serving.scheduler().n_preemptions();
  }
  EXPECT_GE(seen.n_preemptions, static_cast<int64_t>(names.size()));
}

TEST(ScheduledAnswers, are_those_of_sessions_after_any_submits_cancels_and_steps) {
  std::mt19937 random(3);
  Serving serving({{.max_running = 6, .max_queued = 8}, 9 * compute::kKvBlockTokens});
  Conversation alone;
  std::map<RequestId, Asked> asked;
  size_t n_refused = 0, n_cancelled = 0;
  for (int action = 0; action < 1500; ++action) {
    const uint32_t kind = random() % 8;
    if (kind < 2) {
      Asked one = random_requests(1, alone, random)[0];
      Request request;
      request.prompt = one.tokens;
      request.options = one.options;
      request.client = std::string(1, "abc"[random() % 3]);
      request.tenant = std::string(1, "xy"[random() % 2]);
      const auto id = serving.try_submit(std::move(request));
      if (id) asked.emplace(*id, std::move(one));
      n_refused += !id;
    } else if (kind == 2 && !asked.empty()) {
      n_cancelled += serving.scheduler().cancel(asked.rbegin()->first - random() % 10);
      serving.scheduler().check_integrity();
    } else {
      serving.step();
    }
  }
  serving.run();
  EXPECT_GT(n_refused, 20u);
  EXPECT_GT(n_cancelled, 20u);
  EXPECT_GT(serving.scheduler().n_preemptions(), 20);
  for (const auto& [id, one] : asked) {
    SCOPED_TRACE(id);
    const Answer& found = serving.answer(id);
    alone.session().clear();
    Answer expected = alone.ask(one.tokens, one.options);
    if (found.done.reason != DoneReason::kCancelled) {
      expect_same(found, expected);
    } else {
      ASSERT_LE(found.tokens.size(), expected.tokens.size());
      expected.tokens.resize(found.tokens.size());
      EXPECT_EQ(found.tokens, expected.tokens);
    }
  }
}

}  // namespace
}  // namespace hearth::engine
