// Which tensor gets which number format. The expected ones are llama.cpp's own (its quantizer's dry
// run on files of these shapes).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "lab/synth/file_type.h"
#include "lab/synth/random_blocks.h"
#include "lab/synth/shape.h"
#include "lab/synth/tensors.h"

namespace hearth::lab {
namespace {

using quant::Type;
using testing::ElementsAre;

std::map<std::string, Type> types_of(std::string_view shape_name, std::string_view type_name,
                                     bool is_pure = false) {
  const Shape& shape = *find_shape(shape_name);
  std::map<std::string, Type> types;
  for (const PlannedTensor& tensor : plan_tensors(shape))
    types[tensor.name] = tensor_type(*find_file_type(type_name), is_pure, shape, tensor);
  return types;
}

// The layers whose tensor of that stem is of `type`.
std::vector<int> layers_with(Type type, std::string_view stem, std::string_view shape_name,
                             std::string_view type_name) {
  const Shape& shape = *find_shape(shape_name);
  std::vector<int> layers;
  for (const PlannedTensor& tensor : plan_tensors(shape)) {
    const bool is_of_stem = tensor.name.ends_with("." + std::string(stem) + ".weight");
    if (is_of_stem && tensor_type(*find_file_type(type_name), false, shape, tensor) == type)
      layers.push_back(tensor.layer);
  }
  return layers;
}

TEST(SynthTypes, q4_k_m_of_llama_1b_has_q6_k_where_llama_cpp_puts_it) {
  const auto types = types_of("Llama-3.2-1B", "Q4_K_M");
  std::set<std::string> q6_k;
  for (const auto& [name, type] : types) {
    if (type == Type::kQ6_K)
      q6_k.insert(name);
    else
      EXPECT_EQ(type, name.ends_with("norm.weight") || name == "rope_freqs.weight" ? Type::kF32
                                                                                   : Type::kQ4_K)
          << name;
  }
  std::set<std::string> expected = {"token_embd.weight"};
  for (const int layer : {0, 1, 4, 7, 10, 13, 14, 15}) {
    expected.insert("blk." + std::to_string(layer) + ".attn_v.weight");
    expected.insert("blk." + std::to_string(layer) + ".ffn_down.weight");
  }
  EXPECT_EQ(q6_k, expected);
}

TEST(SynthTypes, other_mixes_spend_their_bits_as_llama_cpp_does) {
  const std::string_view shape = "Llama-3.2-1B";
  EXPECT_THAT(layers_with(Type::kQ5_K, "attn_v", shape, "Q3_K_M"), ElementsAre(0, 1));
  EXPECT_THAT(layers_with(Type::kQ5_K, "ffn_down", shape, "Q3_K_M"), ElementsAre(0));
  EXPECT_EQ(layers_with(Type::kQ4_K, "ffn_down", shape, "Q3_K_M").size(), 15u);
  EXPECT_EQ(layers_with(Type::kQ4_K, "attn_output", shape, "Q3_K_M").size(), 16u);
  EXPECT_THAT(layers_with(Type::kQ5_K, "attn_v", shape, "Q4_K_S"), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(layers_with(Type::kQ5_K, "ffn_down", shape, "Q4_K_S"), ElementsAre(0, 1));
  EXPECT_THAT(layers_with(Type::kQ6_K, "ffn_down", shape, "Q5_K_M"),
              ElementsAre(0, 1, 4, 7, 10, 13, 14, 15));
  EXPECT_TRUE(layers_with(Type::kQ6_K, "ffn_down", shape, "Q5_K_S").empty());
  EXPECT_EQ(layers_with(Type::kQ5_K, "attn_v", shape, "IQ4_XS").size(), 16u);
  EXPECT_EQ(types_of("Llama-3-8B", "Q4_0")["output.weight"], Type::kQ6_K);
  EXPECT_EQ(types_of("Llama-3-8B", "Q4_0")["token_embd.weight"], Type::kQ4_0);
}

TEST(SynthTypes, eight_experts_get_more_bits_in_their_attention) {
  auto types = types_of("Mixtral-8x7B", "Q4_K_M");
  EXPECT_EQ(types["blk.5.attn_k.weight"], Type::kQ8_0);
  EXPECT_EQ(types["blk.5.attn_v.weight"], Type::kQ8_0);
  EXPECT_EQ(types["blk.5.attn_output.weight"], Type::kQ5_K);
  EXPECT_EQ(types["blk.5.ffn_gate_exps.weight"], Type::kQ4_K);
  EXPECT_EQ(types["blk.5.ffn_gate_inp.weight"], Type::kF32);
}

TEST(SynthTypes, rows_that_a_format_does_not_divide_get_one_of_smaller_blocks) {
  auto mix = types_of("gemma-3-270m", "Q4_K_M");  // rows of 640 and 1024
  EXPECT_EQ(mix["token_embd.weight"], Type::kQ8_0);
  EXPECT_EQ(mix["blk.0.attn_q.weight"], Type::kQ5_0);
  EXPECT_EQ(mix["blk.0.attn_v.weight"], Type::kQ8_0);
  EXPECT_EQ(mix["blk.2.attn_v.weight"], Type::kQ5_0);
  EXPECT_EQ(mix["blk.0.attn_output.weight"], Type::kQ4_K);
  EXPECT_EQ(mix["blk.0.ffn_down.weight"], Type::kQ6_K);
  EXPECT_EQ(types_of("SmolLM2-135M", "Q5_K_M")["blk.3.attn_q.weight"], Type::kQ5_1);
  EXPECT_EQ(types_of("SmolLM2-135M", "Q3_K_M")["blk.3.attn_q.weight"], Type::kQ4_0);
  EXPECT_EQ(types_of("SmolLM2-135M", "IQ4_XS")["blk.3.attn_q.weight"], Type::kIQ4_NL);
}

TEST(SynthTypes, pure_is_one_format_for_every_matrix) {
  for (const auto& [name, type] : types_of("Llama-3.2-1B", "Q4_K_M", /*is_pure=*/true)) {
    const bool is_vector = name.ends_with("norm.weight") || name == "rope_freqs.weight";
    EXPECT_EQ(type, is_vector ? Type::kF32 : Type::kQ4_K) << name;
  }
}

TEST(SynthTypes, every_format_that_decodes_can_be_written) {
  std::set<Type> bases;
  for (const FileType& file_type : all_file_types()) bases.insert(file_type.base);
  for (const quant::TypeInfo& info : quant::all_types()) {
    EXPECT_EQ(bases.contains(info.type), info.decode != nullptr) << info.name;
    EXPECT_EQ(has_random_blocks(info.type), info.decode != nullptr) << info.name;
  }
}

TEST(SynthTypes, names_are_found_in_any_case_and_by_their_short_forms) {
  EXPECT_EQ(find_file_type("q4_k_m")->name, "Q4_K_M");
  EXPECT_EQ(find_file_type("Q4_K")->name, "Q4_K_M");
  EXPECT_EQ(find_file_type("mxfp4")->name, "MXFP4_MOE");
  EXPECT_EQ(find_file_type("Q4"), nullptr);
  EXPECT_EQ(find_shape("llama-3.2-1b")->name, "Llama-3.2-1B");
  EXPECT_EQ(find_shape("llama"), nullptr);
}

// As the model pages at huggingface.co have it. Gemma's checkpoint of 4B has 64 rows of the
// vocabulary that no token uses; GGUF files leave them out.
TEST(SynthShapes, parameter_counts_are_those_of_the_real_models) {
  const std::map<std::string_view, uint64_t> expected = {
      {"SmolLM2-135M", 134515008},  {"SmolLM2-360M", 361821120},    {"SmolLM2-1.7B", 1711376384},
      {"Llama-3.2-1B", 1235814400}, {"Llama-3.2-3B", 3212749824},   {"Llama-3-8B", 8030261248},
      {"Mistral-7B", 7248023552},   {"Mixtral-8x7B", 46702792704},  {"Phi-3-mini", 3821079552},
      {"Qwen3-0.6B", 596049920},    {"Qwen3-1.7B", 1720574976},     {"Qwen3-4B", 4022468096},
      {"Qwen3-8B", 8190735360},     {"Qwen3-30B-A3B", 30532122624}, {"gemma-3-270m", 268098176},
      {"gemma-3-1b", 999885952},    {"gemma-3-4b", 3880099328},
  };
  for (const auto& [name, count] : expected) {
    const Shape* shape = find_shape(name);
    ASSERT_NE(shape, nullptr) << name;
    EXPECT_EQ(parameter_count(*shape), count) << name;
  }
}

class RandomBlocksOf : public testing::TestWithParam<quant::TypeInfo> {};

TEST_P(RandomBlocksOf, have_mean_0_and_the_wanted_deviation) {
  const quant::TypeInfo& info = GetParam();
  const size_t n_blocks = (1 << 16) / info.block_size;
  std::vector<std::byte> blocks(n_blocks * info.block_bytes);
  std::vector<float> values(n_blocks * info.block_size);
  RandomBlocks(info.type, 0.02f).fill(5, blocks);
  info.decode(blocks.data(), n_blocks, values.data());
  double sum = 0, squares = 0;
  for (const float value : values) {
    sum += value;
    squares += double{value} * value;
  }
  const auto n = static_cast<double>(values.size());
  EXPECT_NEAR(sum / n, 0, 0.004);
  // MXFP4's scales are powers of two.
  EXPECT_NEAR(std::sqrt(squares / n), 0.02, info.type == Type::kMXFP4 ? 0.008 : 0.002);
}

std::vector<quant::TypeInfo> decoding_types() {
  std::vector<quant::TypeInfo> types;
  for (const quant::TypeInfo& info : quant::all_types())
    if (info.decode) types.push_back(info);
  return types;
}

INSTANTIATE_TEST_SUITE_P(All, RandomBlocksOf, testing::ValuesIn(decoding_types()),
                         [](const auto& type) { return std::string(type.param.name); });

}  // namespace
}  // namespace hearth::lab
