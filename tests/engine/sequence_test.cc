#include "engine/sequence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <random>

namespace hearth::engine {
namespace {

using testing::HasSubstr;

std::vector<text::TokenId> counted(int32_t n, int32_t from = 0) {
  std::vector<text::TokenId> tokens;
  for (int32_t i = 0; i < n; ++i) tokens.push_back(from + i);
  return tokens;
}

TEST(KvBlocks, a_shared_block_is_free_when_its_last_owner_goes) {
  KvBlocks blocks(2);
  const int32_t block = blocks.allocate().value();
  blocks.retain(block);
  blocks.release(block);
  EXPECT_EQ(blocks.n_free(), 1);
  blocks.release(block);
  EXPECT_EQ(blocks.n_free(), 2);
  blocks.check_integrity();
}

TEST(KvBlocks, none_left_is_an_error_with_the_number) {
  KvBlocks blocks(1);
  ASSERT_TRUE(blocks.allocate());
  const auto none = blocks.allocate();
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ErrorCode::kLimitExceeded);
  EXPECT_THAT(none.error().message, HasSubstr("all 1 blocks"));
}

TEST(KvBlocksDeathTest, releasing_a_free_block_aborts) {
  KvBlocks blocks(1);
  EXPECT_DEATH(blocks.release(0), "n_owners");
}

TEST(KvBlocks, a_random_walk_of_owners_keeps_integrity) {
  std::mt19937 random(4);
  KvBlocks blocks(16);
  std::vector<int32_t> held;  // one entry an owner
  for (int step = 0; step < 5000; ++step) {
    const auto what = random() % 3;
    if (what == 0) {
      if (auto block = blocks.allocate()) held.push_back(*block);
    } else if (what == 1 && !held.empty()) {
      const int32_t block = held[random() % held.size()];
      blocks.retain(block);
      held.push_back(block);
    } else if (!held.empty()) {
      const size_t i = random() % held.size();
      blocks.release(held[i]);
      held.erase(held.begin() + static_cast<ptrdiff_t>(i));
    }
    blocks.check_integrity();
    for (int32_t block = 0; block < 16; ++block) {
      ASSERT_EQ(blocks.n_owners(block), std::count(held.begin(), held.end(), block));
    }
  }
}

TEST(Sequence, a_prompt_longer_than_the_context_is_refused_with_the_numbers) {
  KvBlocks blocks(4);
  Sequence sequence(blocks, 128);
  ASSERT_TRUE(sequence.set_tokens(counted(5)));
  const auto result = sequence.set_tokens(counted(129));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kContextExceeded);
  EXPECT_EQ(result.error().message,
            "the prompt has 129 tokens, the context holds 128 (n_ctx); shorten it or raise --ctx");
  EXPECT_EQ(sequence.n_tokens(), 5);
}

TEST(Sequence, a_new_prompt_keeps_the_cached_common_prefix) {
  KvBlocks blocks(4);
  Sequence sequence(blocks, 128);
  ASSERT_TRUE(sequence.set_tokens(counted(100)));
  ASSERT_TRUE(sequence.reserve(100));
  sequence.mark_cached(80);
  EXPECT_EQ(blocks.n_free(), 0);

  auto changed = counted(90);
  changed[40] = 999;
  ASSERT_TRUE(sequence.set_tokens(changed));
  EXPECT_EQ(sequence.cached_len(), 40);
  EXPECT_EQ(sequence.block_table().size(), 2u);
  EXPECT_EQ(blocks.n_free(), 2);

  ASSERT_TRUE(sequence.set_tokens(changed));
  EXPECT_EQ(sequence.cached_len(), 40);
}

TEST(Sequence, gives_all_blocks_back_when_it_ends) {
  KvBlocks blocks(4);
  {
    Sequence sequence(blocks, 128);
    ASSERT_TRUE(sequence.set_tokens(counted(128)));
    ASSERT_TRUE(sequence.reserve(128));
    EXPECT_EQ(blocks.n_free(), 0);
  }
  EXPECT_EQ(blocks.n_free(), 4);
  blocks.check_integrity();
}

TEST(Sequence, starts_from_blocks_of_another_without_a_copy) {
  KvBlocks blocks(6);
  Sequence first(blocks, 128), second(blocks, 128);
  ASSERT_TRUE(first.set_tokens(counted(100)));
  ASSERT_TRUE(first.reserve(100));
  first.mark_cached(100);
  ASSERT_TRUE(second.set_tokens(counted(70)));
  ASSERT_TRUE(second.reserve(40));  // gives these back
  second.share(first.block_table().first(2));
  EXPECT_EQ(second.cached_len(), 64);
  EXPECT_EQ(blocks.n_free(), 2);
  ASSERT_TRUE(second.reserve(70));
  EXPECT_EQ(second.block_table()[1], first.block_table()[1]);
  EXPECT_NE(second.block_table()[2], first.block_table()[2]);
  first.shrink_cache(0);
  EXPECT_EQ(blocks.n_free(), 3);
  second.shrink_cache(0);
  EXPECT_EQ(blocks.n_free(), 6);
}

TEST(Sequence, forgets_all_of_a_shared_block_that_it_would_write_to) {
  KvBlocks blocks(5);
  Sequence sequence(blocks, 128);
  ASSERT_TRUE(sequence.set_tokens(counted(100)));
  ASSERT_TRUE(sequence.reserve(100));
  sequence.mark_cached(100);
  const int32_t shared = sequence.block_table()[1];
  blocks.retain(shared);
  auto changed = counted(100);
  changed[40] = 999;
  ASSERT_TRUE(sequence.set_tokens(changed));
  EXPECT_EQ(sequence.cached_len(), 32);
  ASSERT_TRUE(sequence.reserve(100));
  EXPECT_NE(sequence.block_table()[1], shared);
  blocks.release(shared);
}

TEST(SequenceDeathTest, appending_beyond_the_context_aborts) {
  KvBlocks blocks(1);
  Sequence sequence(blocks, 32);
  ASSERT_TRUE(sequence.set_tokens(counted(32)));
  EXPECT_DEATH(sequence.append(1), "n_tokens");
}

}  // namespace
}  // namespace hearth::engine
