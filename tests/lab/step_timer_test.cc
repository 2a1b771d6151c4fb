#include "lab/step_timer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/lab/tiny_model.h"

namespace hearth::lab {
namespace {

using testing::HasSubstr;

// Logits of position `last` of a sequence that is alone in its model, token by token.
std::vector<float> logits_alone(int32_t sequence, int32_t last) {
  TinyModel model("llama", {.n_ctx = 96});
  std::vector<int32_t> blocks(static_cast<size_t>(model->n_kv_blocks()));
  std::iota(blocks.begin(), blocks.end(), 0);
  const std::span<const int32_t> table = blocks;
  std::vector<float> logits(static_cast<size_t>(model->info().n_vocab));
  for (int32_t p = 0; p <= last; ++p) {
    const compute::Row row = {bench_token(sequence, p, model->info().n_vocab), p, 0, true};
    EXPECT_TRUE(model->run({{&row, 1}, {&table, 1}}, logits));
  }
  return logits;
}

std::vector<float> one_of(const StepTimer& timer, int32_t sequence, size_t n_vocab) {
  const auto all = timer.last_logits();
  const auto begin = all.begin() + static_cast<ptrdiff_t>(static_cast<size_t>(sequence) * n_vocab);
  return {begin, begin + static_cast<ptrdiff_t>(n_vocab)};
}

TEST(StepTimer, sequences_of_a_batch_get_the_logits_that_each_gets_alone) {
  TinyModel model("llama", {.n_ctx = 96, .n_kv_positions = 3 * 64, .max_rows = 16});
  StepTimer timer(*model);
  const Workload work = {WorkKind::kGeneration, 6, 37, 3};
  for (int repeat = 0; repeat < 2; ++repeat) {
    ASSERT_TRUE(timer.time(work, {}));
    ASSERT_EQ(timer.last_logits().size(), 3u * 128);
    for (int32_t s = 0; s < 3; ++s) EXPECT_EQ(one_of(timer, s, 128), logits_alone(s, 42)) << s;
  }
}

TEST(StepTimer, work_after_other_work_finds_the_cache_that_it_would_have_made) {
  TinyModel model("llama", {.n_ctx = 96, .n_kv_positions = 4 * 96, .max_rows = 16});
  StepTimer timer(*model);
  for (const Workload& work :
       {Workload{WorkKind::kPrompt, 20, 40, 1}, Workload{WorkKind::kGeneration, 3, 0, 4},
        Workload{WorkKind::kPrompt, 33, 0, 1}, Workload{WorkKind::kGeneration, 2, 70, 4},
        Workload{WorkKind::kGeneration, 1, 50, 1}}) {
    ASSERT_TRUE(timer.time(work, {}));
    for (int32_t s = 0; s < work.n_sequences; ++s)
      EXPECT_EQ(one_of(timer, s, 128), logits_alone(s, work.end() - 1)) << work.label();
  }
}

TEST(StepTimer, work_that_does_not_fit_comes_with_the_numbers) {
  TinyModel model("llama", {.n_ctx = 64, .n_kv_positions = 128});
  StepTimer timer(*model);
  EXPECT_TRUE(timer.check_fits({WorkKind::kGeneration, 4, 60, 2}));
  for (const Workload& work :
       {Workload{WorkKind::kGeneration, 5, 60, 1}, Workload{WorkKind::kGeneration, 4, 60, 3}}) {
    const auto fits = timer.check_fits(work);
    ASSERT_FALSE(fits);
    EXPECT_EQ(fits.error().code, ErrorCode::kContextExceeded);
    EXPECT_THAT(fits.error().message, HasSubstr("the context holds 64, the cache 128 in all"));
  }
}

TEST(StepTimer, a_stop_is_heard_between_steps) {
  TinyModel model("llama", {.n_ctx = 96});
  StepTimer timer(*model);
  int n_asked = 0;
  const auto timed =
      timer.time({WorkKind::kGeneration, 50, 0, 1}, [&n_asked] { return ++n_asked == 3; });
  ASSERT_FALSE(timed);
  EXPECT_EQ(timed.error().code, ErrorCode::kCancelled);
}

}  // namespace
}  // namespace hearth::lab
