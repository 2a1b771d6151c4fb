// Files and options that a model cannot be loaded from: the message says what, where, what to do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/progress.h"
#include "compute/cpu/backend.h"
#include "models/registry.h"
#include "tests/models/edited_model.h"

namespace hearth::models {
namespace {

using gguf::Writer;
using quant::Type;
using testing::AllOf;
using testing::HasSubstr;
using Tensors = std::vector<EditableTensor>;

constexpr const char* kAdvice = "; the file is damaged or incomplete: fetch or convert it again";

const Fixture& llama() {
  static const Fixture fixture("llama");
  return fixture;
}

std::unique_ptr<compute::Backend> cpu() { return compute::make_cpu_backend({.n_threads = 1}); }

Error refusal(const std::string& path, const LoadOptions& options = {.n_ctx = 32}) {
  const gguf::File file = value_or_fail(gguf::File::open(path));
  const auto model = Model::load(file, cpu(), options);
  if (!model) return model.error();
  ADD_FAILURE() << path << " loads";
  return {};
}

Error refusal(const Edits& edits) { return refusal(write_edited(llama(), edits)); }

void expect_invalid(const Edits& edits, const std::string& message) {
  const Error error = refusal(edits);
  EXPECT_EQ(error.code, ErrorCode::kInvalidFile);
  EXPECT_EQ(error.message, message + kAdvice);
}

TEST(ModelError, an_unedited_copy_loads) {
  const gguf::File file = value_or_fail(gguf::File::open(write_edited(llama(), {})));
  EXPECT_TRUE(Model::load(file, cpu(), {.n_ctx = 32}));
}

TEST(ModelError, an_unknown_architecture_is_named_with_all_that_are_known) {
  const Error error =
      refusal({.set = [](Writer& w) { w.set_string("general.architecture", "mam\x1b[31mba"); }});
  EXPECT_EQ(error.code, ErrorCode::kUnsupported);
  EXPECT_THAT(error.message, HasSubstr("architecture 'mam"));
  EXPECT_EQ(error.message.find('\x1b'), std::string::npos);
  for (const Family* family : all_families())
    EXPECT_THAT(error.message, HasSubstr(std::string(family->architecture)));
}

TEST(ModelError, a_file_without_an_architecture_says_so) {
  expect_invalid({.without_keys = {"general.architecture"}},
                 "metadata key 'general.architecture' is missing, wanted the name of one");
}

TEST(ModelError, a_missing_tensor_is_named_with_its_shape) {
  expect_invalid({.on_tensors =
                      [](Tensors& tensors) {
                        std::erase_if(tensors, [](const EditableTensor& t) {
                          return t.name == "blk.1.ffn_down.weight";
                        });
                      }},
                 "tensor 'blk.1.ffn_down.weight' is missing, expected [32, 64]");
}

TEST(ModelError, a_tensor_of_another_shape_is_named_with_both) {
  const auto reshape = [](std::string name, std::vector<uint64_t> dims) {
    return Edits{.on_tensors = [=](Tensors& tensors) {
      tensor_named(tensors, name).become(Type::kF32, dims);
    }};
  };
  expect_invalid(reshape("blk.0.attn_k.weight", {32, 31}),
                 "tensor 'blk.0.attn_k.weight' is [31, 32], expected [32, 32]");
  expect_invalid(reshape("blk.1.attn_norm.weight", {32, 2}),
                 "tensor 'blk.1.attn_norm.weight' is [2, 32], expected [32]");
  expect_invalid(reshape("token_embd.weight", {32, 2, 64}),
                 "tensor 'token_embd.weight' is [64, 2, 32], expected a matrix of fewer than 2^31 "
                 "rows");
}

TEST(ModelError, a_tensor_without_use_is_named) {
  const Error error = refusal({.on_tensors = [](Tensors& tensors) {
    tensors.push_back({"blk.0.attn_sub_norm.weight", Type::kF32, {1}, {}});
    tensors.back().become(Type::kF32, {32});
  }});
  EXPECT_EQ(error.code, ErrorCode::kUnsupported);
  EXPECT_THAT(error.message, HasSubstr("tensor 'blk.0.attn_sub_norm.weight' has no use"));
}

TEST(ModelError, a_missing_hyper_parameter_is_named_with_its_range) {
  expect_invalid({.without_keys = {"llama.block_count"}},
                 "metadata key 'llama.block_count' is missing, wanted 1 to 512");
  expect_invalid(
      {.without_keys = {"llama.attention.layer_norm_rms_epsilon"}},
      "metadata key 'llama.attention.layer_norm_rms_epsilon' is missing, wanted 0 to 0.5");
}

TEST(ModelError, a_hyper_parameter_out_of_range_is_named_with_both) {
  const auto set = [](const char* key, uint32_t value) {
    return Edits{.set = [=](Writer& w) { w.set_uint32(key, value); }};
  };
  expect_invalid(set("llama.block_count", 513),
                 "metadata key 'llama.block_count' is 513, wanted 1 to 512");
  expect_invalid(set("llama.attention.head_count_kv", 3),
                 "key 'llama.attention.head_count_kv' is 3, expected a divisor of "
                 "'llama.attention.head_count' 4");
  expect_invalid(set("llama.rope.dimension_count", 18),
                 "key 'llama.rope.dimension_count' is 18, expected an even number up to the head "
                 "size 16");
  expect_invalid({.set = [](Writer& w) { w.set_string("llama.block_count", "two"); }},
                 "metadata key 'llama.block_count' is string, wanted an integer");
  const std::vector<int32_t> sizes = {64, 64, 64};
  expect_invalid({.set = [&](Writer& w) { w.set_ints("llama.feed_forward_length", sizes); }},
                 "key 'llama.feed_forward_length' has 3 values, expected 2: one a layer");
}

TEST(ModelError, a_type_that_no_backend_runs_is_named_with_its_tensor) {
  for (const std::string name :
       {"blk.0.attn_q.weight", "token_embd.weight", "output_norm.weight"}) {
    const std::string path = write_edited(llama(), {.on_tensors = [&](Tensors& tensors) {
                                            EditableTensor& tensor = tensor_named(tensors, name);
                                            tensor.become(Type::kI8, tensor.dims);
                                          }});
    const gguf::File file = value_or_fail(gguf::File::open(path));
    for (auto backend : {cpu, +[] { return compute::make_reference_backend(); }}) {
      const auto model = Model::load(file, backend(), {.n_ctx = 32});
      ASSERT_FALSE(model);
      EXPECT_EQ(model.error().code, ErrorCode::kUnsupported);
      EXPECT_THAT(model.error().message,
                  AllOf(HasSubstr("'" + name + "'"), HasSubstr("I8"), HasSubstr("convert it")));
    }
  }
}

TEST(ModelError, a_vocabulary_beyond_the_embeddings_is_refused_with_both_sizes) {
  const std::vector<std::string> tokens(129, "a");
  expect_invalid(
      {.set = [&](Writer& w) { w.set_strings("tokenizer.ggml.tokens", tokens); }},
      "key 'tokenizer.ggml.tokens' has 129 tokens, but 'token_embd.weight' rows for 128");
}

TEST(ModelError, contexts_and_steps_beyond_any_use_are_refused_with_the_bounds) {
  const Error context = refusal(llama().path(), {.n_ctx = (1 << 30) + 1});
  EXPECT_EQ(context.code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(context.message,
            "a context of 1073741825 tokens, expected 1 to 1073741824, or 0 for the default");
  EXPECT_EQ(refusal(llama().path(), {.n_ctx = -1}).code, ErrorCode::kInvalidArgument);
  const Error rows = refusal(llama().path(), {.n_ctx = 32, .max_rows = 0});
  EXPECT_EQ(rows.message, "steps of 0 rows, expected 1 to 65536");
}

TEST(ModelError, a_cache_of_several_sequences_is_counted_whole) {
  const gguf::File file = value_or_fail(gguf::File::open(llama().path()));
  LoadOptions options{.n_ctx = 64, .n_kv_positions = 1000, .max_rows = 8};
  const auto model = Model::load(file, cpu(), options);
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_EQ((*model)->info().n_ctx, 64);
  EXPECT_EQ((*model)->n_kv_blocks(), 32);
  const MemoryNeed need = value_or_fail(Model::memory_need(file, *cpu(), options));
  EXPECT_EQ(need.kv_bytes, 1024 * (*model)->info().kv_bytes_per_position);
  options.memory_bytes = need.total() - 1;
  const Error error = refusal(llama().path(), options);
  EXPECT_THAT(error.message,
              AllOf(HasSubstr("1024 tokens"), HasSubstr("; try fewer or shorter sequences")));
  EXPECT_EQ(refusal(llama().path(), {.n_ctx = 64, .n_kv_positions = -1}).code,
            ErrorCode::kInvalidArgument);
}

TEST(ModelError, too_little_memory_is_refused_with_the_numbers_and_a_context_that_fits) {
  LoadOptions options{.n_ctx = 4096, .max_rows = 8};
  const gguf::File file = value_or_fail(gguf::File::open(llama().path()));
  const MemoryNeed need = value_or_fail(Model::memory_need(file, *cpu(), options));
  options.memory_bytes = need.total();
  EXPECT_TRUE(Model::load(file, cpu(), options));

  --options.memory_bytes;
  const Error error = refusal(llama().path(), options);
  EXPECT_EQ(error.code, ErrorCode::kOutOfMemory);
  for (const uint64_t part : {need.total(), need.weight_bytes, need.kv_bytes, need.compute_bytes})
    EXPECT_THAT(error.message, HasSubstr(format_bytes(part)));
  EXPECT_THAT(error.message, AllOf(HasSubstr("4096 tokens"), HasSubstr("; try --ctx 4064")));
  options.n_ctx = 4064;
  EXPECT_TRUE(Model::load(file, cpu(), options));

  options.memory_bytes = need.weight_bytes;
  EXPECT_THAT(refusal(llama().path(), options).message, HasSubstr("; try a smaller model"));
}

TEST(ModelError, a_context_beyond_any_machine_is_refused_before_it_is_allocated) {
  const Error error =
      refusal(llama().path(),
              {.n_ctx = 1 << 30, .kv_type = compute::KvType::kF32, .memory_bytes = 1ull << 36});
  EXPECT_EQ(error.code, ErrorCode::kOutOfMemory);
  EXPECT_THAT(error.message, AllOf(HasSubstr("1073741824 tokens"), HasSubstr("; try --ctx")));
}

}  // namespace
}  // namespace hearth::models
