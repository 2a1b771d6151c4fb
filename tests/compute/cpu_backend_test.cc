// The CPU backend on whole small models: against the definition, and bit by bit against itself.
#include "compute/cpu/backend.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <numeric>

#include "base/cpu_features.h"
#include "compute/cpu/packed_matrix.h"
#include "compute/reference/backend.h"
#include "tests/compute/random_model.h"

namespace hearth::compute {
namespace {

using quant::Type;
using test::RandomModel;
using test::Recipe;
using test::Sequences;

std::vector<int32_t> in_order(int32_t n) {
  std::vector<int32_t> order(static_cast<size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  return order;
}

std::vector<int32_t> shuffled(int32_t n) {
  std::vector<int32_t> order = in_order(n);
  std::mt19937 random(5);
  std::ranges::shuffle(order, random);
  return order;
}

std::unique_ptr<Backend> cpu_with(const RandomModel& model, int n_threads, int32_t n_blocks,
                                  int32_t max_rows) {
  auto backend = make_cpu_backend({.n_threads = n_threads});
  const auto added = model.add_to(*backend, n_blocks, max_rows);
  EXPECT_TRUE(added) << added.error().message;
  return backend;
}

std::vector<Recipe> recipes() {
  const Type k256 = Type::kQ4_K;
  return {
      {.name = "f32"},
      {.name = "f16_weights", .types = {Type::kF16, Type::kBF16}},
      {.name = "f16_cache", .kv = KvType::kF16},
      {.name = "q8_0_cache", .kv = KvType::kQ8_0, .head_dim = 32, .rope_dims = 32},
      {.name = "one_kv_head", .kv = KvType::kF16, .n_heads = 8, .n_kv_heads = 1, .window = 40},
      {.name = "a_kv_head_a_head", .n_heads = 3, .n_kv_heads = 3, .head_dim = 40, .rope_dims = 8},
      {.name = "neighbour_pairs", .is_neox = false, .rope_dims = 12},
      {.name = "layer_norm_and_biases",
       .norm = NormKind::kLayer,
       .activation = Activation::kGelu,
       .has_bias = true,
       .is_gated = false},
      {.name = "head_norm_sinks_caps",
       .activation = Activation::kGeluTanh,
       .has_head_norm = true,
       .has_sinks = true,
       .has_post_norm = true,
       .window = 33,
       .softcap = 3,
       .logit_softcap = 5,
       .logit_scale = 1.5f,
       .embed_scale = 8},
      {.name = "relu", .activation = Activation::kRelu, .is_gated = false},
      {.name = "relu_squared", .activation = Activation::kReluSquared, .is_gated = false},
      {.name = "experts", .hidden = 32, .n_experts = 7},
      {.name = "sigmoid_experts",
       .hidden = 32,
       .has_bias = true,
       .n_experts = 6,
       .n_used = 3,
       .gating = Gating::kSigmoid,
       .normalize = false},
      {.name = "generic_types", .types = {Type::kF32, Type::kBF16}},
      {.name = "iq4_nl", .types = {Type::kF32, Type::kIQ4_NL}},
      {.name = "iq3_xxs_iq2_xxs",
       .types = {Type::kIQ3_XXS, Type::kIQ2_XXS},
       .width = 256,
       .n_kv_heads = 4,
       .head_dim = 64,
       .hidden = 256,
       .n_vocab = 70},
      {.name = "q2_k_q3_k",
       .types = {Type::kQ2_K, Type::kQ3_K},
       .width = 256,
       .n_kv_heads = 4,
       .head_dim = 64,
       .hidden = 256,
       .n_vocab = 70},
      {.name = "q4_1", .types = {Type::kQ4_1}},
      {.name = "q8_0_q5_0_mixed", .types = {Type::kQ5_0, Type::kQ8_0, Type::kQ4_0}},
      {.name = "quantized_experts",
       .types = {Type::kQ4_1, Type::kQ8_0, Type::kF32},
       .n_experts = 5},
      {.name = "k_mixed_with_legacy",
       .types = {k256, Type::kQ6_K, Type::kQ5_K, Type::kQ8_0, k256},
       .width = 256,
       .head_dim = 64,
       .hidden = 512,
       .n_vocab = 77,
       .rope_dims = 64},
      {.name = "panels_across_heads",
       .types = {Type::kQ8_0},
       .head_dim = 8,
       .hidden = 64,
       .n_vocab = 33,
       .rope_dims = 8},
  };
}

bool is_rounded(Type type) { return cpu::PackedMatrix::can_pack(type, 256, isa_level()); }

class CpuBackendModel : public testing::TestWithParam<Recipe> {};

INSTANTIATE_TEST_SUITE_P(Recipes, CpuBackendModel, testing::ValuesIn(recipes()),
                         [](const auto& recipe) { return recipe.param.name; });

// The worst difference over the largest magnitude.
struct Difference {
  double worst = 0, largest = 0;
  size_t where = 0;
};
Difference difference(const std::vector<float>& found, const std::vector<float>& expected) {
  Difference d;
  for (size_t i = 0; i < expected.size(); ++i) {
    const double error = std::abs(double{found[i]} - expected[i]);
    if (error > d.worst) d.worst = error, d.where = i;
    d.largest = std::max(d.largest, std::abs(double{expected[i]}));
  }
  return d;
}

TEST_P(CpuBackendModel, gives_the_logits_of_the_definition) {
  const Recipe& recipe = GetParam();
  const bool rounds = std::ranges::any_of(recipe.types, is_rounded);
  const RandomModel model(recipe, 11);
  constexpr int32_t kBlocks = 8, kMaxRows = 80;
  auto reference = make_reference_backend({.quantize_activations = rounds});
  ASSERT_TRUE(model.add_to(*reference, kBlocks, kMaxRows));
  const auto cpu = cpu_with(model, 2, kBlocks, kMaxRows);
  Sequences expected(2, recipe.n_vocab, in_order(kBlocks)),
      found(2, recipe.n_vocab, in_order(kBlocks));
  for (Sequences* sequences : {&expected, &found}) {
    Backend& backend = sequences == &found ? *cpu : *reference;
    for (const auto& pieces : std::vector<std::vector<Sequences::Piece>>{
             {{0, 70}}, {{1, 45}, {0, 30}}, {{0, 1}}, {{0, 1}, {1, 1}}}) {
      const auto ran = sequences->run(backend, pieces);
      ASSERT_TRUE(ran) << ran.error().message;
    }
  }
  // Sums of up to 512 floats in another order: some 2^-23 sqrt(512) a product, a few dozen products
  // deep. Where activations, or keys and values, are rounded, a value at the edge of two codes may
  // fall to either: a step of 1/127 of a block in one of many summands, which later layers round
  // anew. Over 8 models of each recipe that gave nothing to speak of, or 0.2 to 2.2 % where it
  // came.
  const bool rounds_cache = recipe.kv != KvType::kF32;
  const double tolerance = rounds || recipe.kv == KvType::kQ8_0 ? 3e-2 : rounds_cache ? 2e-3 : 3e-5;
  double worst = 0;
  for (int32_t s = 0; s < 2; ++s) {
    ASSERT_EQ(found.logits(s).size(), expected.logits(s).size());
    const Difference d = difference(found.logits(s), expected.logits(s));
    EXPECT_LE(d.worst, tolerance * d.largest)
        << "sequence " << s << ", position " << d.where / static_cast<size_t>(recipe.n_vocab)
        << ", logit " << d.where % static_cast<size_t>(recipe.n_vocab);
    worst = std::max(worst, d.worst / d.largest);
  }
  RecordProperty("worst", std::to_string(worst));
}

// Logits of sequence 0 over `n` positions, fed in chunks, other sequences' rows before and after.
std::vector<float> chunked(const RandomModel& model, int n_threads, int32_t chunk, int32_t n,
                           const std::vector<int32_t>& blocks, bool has_company) {
  const auto n_blocks = static_cast<int32_t>(blocks.size());
  const auto backend = cpu_with(model, n_threads, n_blocks, chunk + 12);
  Sequences sequences(3, model.recipe().n_vocab, blocks);
  int32_t company = 0;
  for (int32_t done = 0; done < n; done += chunk) {
    std::vector<Sequences::Piece> pieces = {{0, std::min(chunk, n - done)}};
    if (has_company && company < 60) {
      pieces.insert(pieces.begin(), {1, 5});
      pieces.push_back({2, 7});
      company += 7;
    }
    const auto ran = sequences.run(*backend, pieces);
    EXPECT_TRUE(ran) << ran.error().message;
  }
  return sequences.logits(0);
}

TEST_P(CpuBackendModel, gives_the_same_bits_for_any_chunks_threads_and_company) {
  const RandomModel model(GetParam(), 12);
  constexpr int32_t kRows = 150, kBlocks = 18;
  const auto whole = chunked(model, 1, kRows, kRows, in_order(kBlocks), false);
  ASSERT_TRUE(std::ranges::all_of(whole, [](float x) { return std::isfinite(x); }));
  struct Case {
    int n_threads;
    int32_t chunk;
    bool has_company;
  };
  for (const Case& c : {Case{1, 1, false}, Case{2, 7, true}, Case{3, 32, true}, Case{2, 1, true},
                        Case{3, kRows, false}, Case{2, 65, false}}) {
    const auto pieces =
        chunked(model, c.n_threads, c.chunk, kRows, shuffled(kBlocks), c.has_company);
    ASSERT_EQ(pieces.size(), whole.size());
    EXPECT_EQ(std::memcmp(pieces.data(), whole.data(), whole.size() * sizeof(float)), 0)
        << c.n_threads << " threads, chunks of " << c.chunk << ", company " << c.has_company;
  }
}

TEST(CpuBackend, splits_a_long_context_over_threads_without_changing_a_bit) {
  for (const int32_t window : {0, 300}) {
    const RandomModel model({.name = "long",
                             .kv = KvType::kF16,
                             .n_heads = 2,
                             .n_kv_heads = 1,
                             .n_vocab = 17,
                             .window = window},
                            13);
    constexpr int32_t kRows = 700;
    std::vector<float> logits[2];
    for (const bool is_split : {false, true}) {
      const auto backend = cpu_with(model, is_split ? 3 : 1, 24, kRows);
      Sequences sequences(1, 17, is_split ? shuffled(24) : in_order(24));
      ASSERT_TRUE(sequences.run(*backend, {{0, is_split ? 600 : kRows}}));
      for (int32_t i = 600; is_split && i < kRows; i += 4)
        ASSERT_TRUE(sequences.run(*backend, {{0, 4}}));
      logits[is_split] = sequences.logits(0);
    }
    EXPECT_EQ(std::memcmp(logits[0].data(), logits[1].data(), logits[0].size() * sizeof(float)), 0)
        << "window " << window;
  }
}

TEST(CpuBackend, computes_logits_of_the_rows_that_want_them_alone) {
  const RandomModel model({.name = "wanted", .types = {Type::kQ8_0}}, 14);
  const auto backend = cpu_with(model, 2, 2, 32);
  const std::vector<int32_t> table = {0, 1};
  const std::vector<std::span<const int32_t>> tables = {table};
  std::vector<Row> rows;
  for (int32_t i = 0; i < 20; ++i) rows.push_back({i, i, 0, true});
  std::vector<float> all(20 * 131), some(2 * 131), none;
  ASSERT_TRUE(backend->run({rows, tables}, all));
  for (Row& row : rows) row.wants_logits = row.position == 3 || row.position == 19;
  ASSERT_TRUE(backend->run({rows, tables}, some));
  EXPECT_EQ(std::memcmp(some.data(), all.data() + 3 * 131, 131 * sizeof(float)), 0);
  EXPECT_EQ(std::memcmp(some.data() + 131, all.data() + 19 * 131, 131 * sizeof(float)), 0);
  for (Row& row : rows) row.wants_logits = false;
  EXPECT_TRUE(backend->run({rows, tables}, none));
}

TEST(CpuBackend, reports_a_logit_that_is_not_finite_and_its_row) {
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    RandomModel model({.name = "bad"}, 15);
    auto& head = model.matrices().back().data;
    std::memcpy(head.data() + 40 * sizeof bad, &bad, sizeof bad);
    const auto backend = cpu_with(model, 2, 2, 8);
    Sequences sequences(1, 131, in_order(2));
    const auto ran = sequences.run(*backend, {{0, 3}});
    ASSERT_FALSE(ran);
    EXPECT_EQ(ran.error().code, ErrorCode::kNonFinite);
    EXPECT_THAT(ran.error().message, testing::HasSubstr("row 0"));
  }
}

TEST(CpuBackend, does_not_hide_a_nan_inside_the_model) {
  const size_t n_matrices = RandomModel({.name = "bad"}, 15).matrices().size();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (size_t m = 0; m < n_matrices; ++m) {
    RandomModel broken({.name = "bad", .has_head_norm = true}, 15);
    std::memcpy(broken.matrices()[m].data.data() + 4 * 9, &nan, sizeof nan);
    const auto backend = cpu_with(broken, 2, 2, 8);
    Sequences sequences(1, 131, in_order(2));
    const auto ran = sequences.run(*backend, {{0, 3}});
    ASSERT_FALSE(ran) << "matrix " << m;
    EXPECT_EQ(ran.error().code, ErrorCode::kNonFinite);
  }
}

TEST(CpuBackend, refuses_a_cache_beyond_the_machine_with_the_numbers) {
  RandomModel model({.name = "huge", .kv = KvType::kF16}, 16);
  const auto backend = make_cpu_backend({.n_threads = 1});
  const auto added = model.add_to(*backend, std::numeric_limits<int32_t>::max(), 8);
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().code, ErrorCode::kOutOfMemory);
  EXPECT_THAT(added.error().message, testing::ContainsRegex("needs [0-9]+ bytes.*has [0-9]+"));
}

TEST(CpuBackend, refuses_programs_batches_and_caches_that_do_not_fit) {
  RandomModel model({.name = "small"}, 17);
  const auto backend = cpu_with(model, 1, 2, 4);
  Sequences sequences(1, 131, in_order(2));
  const auto too_many = sequences.run(*backend, {{0, 5}});
  ASSERT_FALSE(too_many);
  EXPECT_EQ(too_many.error().code, ErrorCode::kInvalidArgument);

  Program program = model.program();
  std::get<QkvOp>(program.ops[1]).k = std::get<QkvOp>(program.ops[1]).q;
  const auto wrong_shape = backend->prepare(program, model.kv_config(2), 4);
  ASSERT_FALSE(wrong_shape);
  EXPECT_EQ(wrong_shape.error().code, ErrorCode::kInvalidArgument);

  for (const int32_t rows : {0, -1, 1 << 30}) {
    const auto prepared = backend->prepare(model.program(), model.kv_config(2), rows);
    ASSERT_FALSE(prepared);
    EXPECT_EQ(prepared.error().code, ErrorCode::kInvalidArgument);
  }

  KvConfig q8 = model.kv_config(2);
  q8.type = KvType::kQ8_0;  // heads of 16
  const auto odd_heads = backend->prepare(model.program(), q8, 4);
  ASSERT_FALSE(odd_heads);
  EXPECT_EQ(odd_heads.error().code, ErrorCode::kUnsupported);
}

TEST(CpuBackend, refuses_to_run_before_prepare) {
  const auto backend = make_cpu_backend({.n_threads = 1});
  const std::vector<Row> rows = {{0, 0, 0, false}};
  EXPECT_FALSE(backend->run({rows, {}}, {}));
}

TEST(CpuBackend, refuses_weights_that_it_cannot_run) {
  const auto backend = make_cpu_backend({.n_threads = 1});
  const std::vector<std::byte> data(64);
  const auto integers = backend->add_matrix({"tokens", Type::kI8, 8, 8, 1, data});
  ASSERT_FALSE(integers);
  EXPECT_EQ(integers.error().code, ErrorCode::kUnsupported);
  EXPECT_THAT(integers.error().message, testing::HasSubstr("tokens"));
  const auto wrong_size = backend->add_matrix({"short", Type::kF32, 8, 8, 1, data});
  ASSERT_FALSE(wrong_size);
  EXPECT_EQ(wrong_size.error().code, ErrorCode::kInvalidFile);
}

TEST(CpuBackend, has_no_slow_path_for_i_quants_and_names_itself) {
  const RandomModel model({.name = "slow",
                           .types = {Type::kF32, Type::kIQ3_XXS},
                           .width = 256,
                           .n_kv_heads = 4,
                           .head_dim = 64,
                           .hidden = 256},
                          18);
  const auto backend = cpu_with(model, 2, 2, 8);
  EXPECT_THAT(backend->slow_paths(), testing::IsEmpty());
  EXPECT_THAT(backend->description(), testing::HasSubstr("2 threads"));
}

TEST(CpuBackend, sizes_matrices_before_they_are_added) {
  const auto backend = make_cpu_backend({.n_threads = 1});
  EXPECT_EQ(backend->matrix_bytes(Type::kF16, 10, 64), 10 * 64 * 2u);
  EXPECT_GE(backend->matrix_bytes(Type::kQ4_1, 16, 64), 16 * 2 * 20u);
}

}  // namespace
}  // namespace hearth::compute
