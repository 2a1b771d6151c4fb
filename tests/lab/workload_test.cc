#include "lab/workload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hearth::lab {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(Workload, lists_are_every_combination_by_depth) {
  const auto works = list_workloads(
      {.prompts = {1, 512}, .generations = {64}, .depths = {0, 4096}, .batches = {1, 8}});
  ASSERT_TRUE(works);
  EXPECT_THAT(*works, ElementsAre(Workload{WorkKind::kPrompt, 1, 0, 1},
                                  Workload{WorkKind::kPrompt, 512, 0, 1},
                                  Workload{WorkKind::kGeneration, 64, 0, 1},
                                  Workload{WorkKind::kGeneration, 64, 0, 8},
                                  Workload{WorkKind::kPrompt, 1, 4096, 1},
                                  Workload{WorkKind::kPrompt, 512, 4096, 1},
                                  Workload{WorkKind::kGeneration, 64, 4096, 1},
                                  Workload{WorkKind::kGeneration, 64, 4096, 8}));
}

TEST(Workload, zero_tokens_leave_a_kind_out_and_nothing_at_all_is_an_error) {
  const auto works = list_workloads({.prompts = {0}, .generations = {4}});
  ASSERT_TRUE(works);
  EXPECT_THAT(*works, ElementsAre(Workload{WorkKind::kGeneration, 4, 0, 1}));
  EXPECT_FALSE(list_workloads({.prompts = {0}, .generations = {0}}));
}

TEST(Workload, numbers_out_of_range_are_refused_by_name) {
  for (const auto& [lists, word] :
       {std::pair(WorkloadLists{.prompts = {-1}}, "prompt tokens: -1"),
        std::pair(WorkloadLists{.depths = {1 << 30}}, "depth: 1073741824"),
        std::pair(WorkloadLists{.batches = {1, 0}}, "sequences: 0")}) {
    const auto works = list_workloads(lists);
    ASSERT_FALSE(works);
    EXPECT_THAT(works.error().message, HasSubstr(word));
  }
}

TEST(Workload, the_cache_holds_whole_blocks_of_each_sequence) {
  // 33 positions are two blocks of 32; eight sequences have 16 blocks, more than the prompt's 2.
  const CacheNeed need =
      cache_need({{WorkKind::kPrompt, 60, 0, 1}, {WorkKind::kGeneration, 32, 0, 8}});
  EXPECT_EQ(need.n_ctx, 60);
  EXPECT_EQ(need.n_kv_positions, 8 * 64);
}

TEST(Workload, a_generation_without_depth_starts_after_one_token) {
  EXPECT_EQ((Workload{WorkKind::kGeneration, 4, 0, 1}).begin(), 1);
  EXPECT_EQ((Workload{WorkKind::kGeneration, 4, 9, 1}).end(), 13);
  EXPECT_EQ((Workload{WorkKind::kPrompt, 4, 0, 1}).begin(), 0);
}

}  // namespace
}  // namespace hearth::lab
