#include "compute/step_work.h"

#include <gtest/gtest.h>

namespace hearth::compute {
namespace {

constexpr quant::Type kF32 = quant::Type::kF32, kQ8 = quant::Type::kQ8_0;

// Rows of any sequences; what `ops` take of them, without times.
StepProfile describe(std::vector<Op> ops, const std::vector<WeightFacts>& matrices,
                     const std::vector<Row>& rows, int64_t n_experts = 0) {
  Program program;
  program.ops = std::move(ops);
  const std::vector<WeightFacts> tables = {{"embeddings", kQ8, 100, 64, 100 * 68}};
  const KvConfig kv{KvType::kF16, {{2, 16}, {2, 16}}, 8};
  StepRun run;
  run.ops.resize(program.ops.size(), {.seconds = 0, .waited_seconds = 0, .n_experts = n_experts});
  return StepWork(program, kv, matrices, tables).describe({rows, {}}, run);
}

const std::vector<Row> kThreeRows = {{1, 4, 0, false}, {2, 5, 0, true}, {3, 9, 1, true}};

TEST(StepWork, a_row_takes_a_row_of_the_table) {
  const StepProfile profile = describe({EmbedOp{.table = 0, .out = 0}}, {}, kThreeRows);
  ASSERT_EQ(profile.ops[0].weights.size(), 1u);
  EXPECT_EQ(profile.ops[0].kind, "embed");
  EXPECT_EQ(profile.ops[0].weights[0].name, "embeddings");
  EXPECT_EQ(profile.ops[0].weights[0].bytes, 3u * 68);
  EXPECT_EQ(profile.ops[0].weights[0].macs, 0u);
}

TEST(StepWork, a_matrix_is_read_once_and_multiplied_with_every_row) {
  const std::vector<WeightFacts> matrices = {{"gate", kQ8, 96, 64, 96 * 68},
                                             {"up", kF32, 96, 64, 96 * 256}};
  GatedOp op{};
  op.gate = 0;
  op.up = 1;
  const OpProfile profile = describe({op}, matrices, kThreeRows).ops[0];
  ASSERT_EQ(profile.weights.size(), 2u);
  EXPECT_EQ(profile.weights[0].bytes, 96u * 68);
  EXPECT_EQ(profile.weights[0].macs, 3u * 96 * 64);
  EXPECT_EQ(profile.weights[1].name, "up");
  EXPECT_EQ(profile.weights[1].type, kF32);
  EXPECT_EQ(profile.weights[1].bytes, 96u * 256);
}

TEST(StepWork, the_head_is_read_only_for_rows_that_want_logits) {
  const std::vector<WeightFacts> matrices = {{"head", kQ8, 100, 64, 100 * 68}};
  LogitsOp op{};
  op.weight = 0;
  const WeightWork two = describe({op}, matrices, kThreeRows).ops[0].weights[0];
  EXPECT_EQ(two.bytes, 100u * 68);
  EXPECT_EQ(two.macs, 2u * 100 * 64);
  const WeightWork none = describe({op}, matrices, {{1, 0, 0, false}}).ops[0].weights[0];
  EXPECT_EQ(none.bytes, 0u);
  EXPECT_EQ(none.macs, 0u);
}

TEST(StepWork, experts_are_read_where_used_and_multiplied_by_place) {
  const std::vector<WeightFacts> matrices = {{"router", kF32, 8, 64, 8 * 256},
                                             {"gate", kQ8, 32, 64, 32 * 68},
                                             {"up", kQ8, 32, 64, 32 * 68},
                                             {"down", kQ8, 64, 32, 64 * 34}};
  MoeOp op{};
  op.router = 0, op.gate = 1, op.up = 2, op.down = 3;
  op.n_experts = 8, op.n_used = 2;
  const OpProfile profile = describe({op}, matrices, kThreeRows, 5).ops[0];
  EXPECT_EQ(profile.weights[0].macs, 3u * 8 * 64);
  EXPECT_EQ(profile.weights[0].bytes, 8u * 256);
  for (size_t i = 1; i < 4; ++i) {
    EXPECT_EQ(profile.weights[i].macs, 3u * 2 * 32 * 64);
    EXPECT_EQ(profile.weights[i].bytes, 5u * matrices[i].slice_bytes);
  }
}

TEST(StepWork, attention_reads_a_position_once_for_neighbouring_rows_of_a_sequence) {
  AttentionOp op{};
  op.kv_layer = 1, op.n_heads = 4, op.n_kv_heads = 2, op.head_dim = 16;
  const OpProfile profile = describe({op}, {}, kThreeRows).ops[0];
  // The rows see 5, 6 and 10 positions, the first two 6 of the same.
  EXPECT_EQ(profile.attention_macs, 21u * 2 * 4 * 16);
  EXPECT_EQ(profile.kv_bytes, 16u * 2 * 2 * 16 * 2);
  EXPECT_TRUE(profile.weights.empty());
}

TEST(StepWork, attention_with_a_window_reads_no_more_than_that) {
  AttentionOp op{};
  op.kv_layer = 0, op.n_heads = 4, op.n_kv_heads = 2, op.head_dim = 16, op.window = 4;
  const OpProfile profile = describe({op}, {}, kThreeRows).ops[0];
  EXPECT_EQ(profile.attention_macs, 12u * 2 * 4 * 16);
  EXPECT_EQ(profile.kv_bytes, (5u + 4) * 2 * 2 * 16 * 2);
}

}  // namespace
}  // namespace hearth::compute
