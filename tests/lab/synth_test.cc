#include "lab/synth/synth.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <iterator>

#include "compute/cpu/backend.h"
#include "gguf/file.h"
#include "lab/synth/tensors.h"
#include "models/model.h"
#include "tests/lab/tiny_shape.h"
#include "tests/support/scratch_folder.h"

namespace hearth::lab {
namespace {

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

SynthOptions options_of(std::string_view file_type, bool is_pure = false, int n_threads = 1) {
  return {.file_type = find_file_type(file_type),
          .is_pure = is_pure,
          .seed = 1,
          .n_threads = n_threads,
          .on_progress = {}};
}

void expect_ok(const Result<void>& result) {
  if (!result) ADD_FAILURE() << result.error().message;
}

// Root mean square of the logits of a step of two rows; NaN where one is not finite.
Result<double> logit_size(const std::string& path) {
  const gguf::File file = TRY(gguf::File::open(path));
  const auto model =
      TRY(models::Model::load(file, compute::make_cpu_backend({.n_threads = 1}), {.n_ctx = 32}));
  std::vector<float> logits(static_cast<size_t>(model->info().n_vocab));
  const std::array<compute::Row, 2> rows = {{{7, 0, 0, false}, {300, 1, 0, true}}};
  const std::array<int32_t, 1> block = {0};
  const std::span<const int32_t> table = block;
  TRY(model->run({rows, {&table, 1}}, logits));
  double squares = 0;
  for (const float logit : logits) squares += double{logit} * logit;
  return std::sqrt(squares / static_cast<double>(logits.size()));
}

void expect_sane_step(const Shape& shape, const SynthOptions& options) {
  SCOPED_TRACE(std::string(shape.name) + " " + std::string(shape.architecture) + " " +
               std::string(options.file_type->name));
  const ScratchFolder folder;
  expect_ok(write_synthetic(shape, folder / "model.gguf", options));
  const auto size = logit_size(folder / "model.gguf");
  ASSERT_TRUE(size) << size.error().message;
  EXPECT_GT(*size, 0.1);  // 0.02 sqrt(256) is 0.32
  EXPECT_LT(*size, 1.0);
}

TEST(Synth, a_file_of_every_type_loads_and_its_logits_are_of_sane_size) {
  for (const FileType& file_type : all_file_types()) {
    expect_sane_step(kTinyShape, options_of(file_type.name));
    expect_sane_step(kTinyShape, options_of(file_type.name, /*is_pure=*/true));
  }
}

TEST(Synth, a_file_of_every_family_loads) {
  for (const Shape& shape : tiny_families()) expect_sane_step(shape, options_of("Q4_K_M"));
}

TEST(Synth, the_file_ends_where_its_header_says) {
  const ScratchFolder folder;
  const std::string path = folder / "model.gguf";
  expect_ok(write_synthetic(kTinyShape, path, options_of("Q4_K_M")));
  const auto file = gguf::File::open(path);
  ASSERT_TRUE(file) << file.error().message;
  uint64_t n_bytes = 0;
  for (const gguf::Tensor& tensor : file->tensors()) n_bytes += tensor.data.size();
  EXPECT_EQ(n_bytes, tensor_bytes(kTinyShape, *find_file_type("Q4_K_M"), false));
  const std::string bytes = read_file(path);
  const auto* begin = file->parts()[0].bytes().data();
  const auto& last = file->tensors().back().data;
  EXPECT_EQ(static_cast<size_t>(last.data() + last.size() - begin), bytes.size());
}

TEST(Synth, a_seed_means_the_same_bytes_for_any_number_of_threads) {
  const ScratchFolder folder;
  Shape shape = kTinyShape;
  shape.n_vocab = 40000;  // tensors of tens of chunks, the last one a part
  const auto bytes_of = [&](uint64_t seed, int n_threads) {
    SynthOptions options = options_of("F32", false, n_threads);
    options.seed = seed;
    expect_ok(write_synthetic(shape, folder / "model.gguf", options));
    return read_file(folder / "model.gguf");
  };
  const std::string one = bytes_of(1, 1);
  EXPECT_TRUE(one == bytes_of(1, 3));
  EXPECT_FALSE(one == bytes_of(2, 1));
}

TEST(Synth, no_two_tensors_repeat_each_other) {
  const ScratchFolder folder;
  expect_ok(write_synthetic(kTinyShape, folder / "model.gguf", options_of("Q8_0")));
  const auto file = gguf::File::open(folder / "model.gguf");
  ASSERT_TRUE(file) << file.error().message;
  const auto first = file->find_tensor("blk.0.ffn_gate.weight")->data;
  const auto second = file->find_tensor("blk.1.ffn_gate.weight")->data;
  EXPECT_FALSE(std::ranges::equal(first, second));
}

TEST(Synth, one_that_is_stopped_leaves_the_old_file_and_nothing_else) {
  const ScratchFolder folder;
  const std::string path = folder.write("model.gguf", "old");
  SynthOptions options = options_of("Q8_0");
  options.on_progress = [](uint64_t done, uint64_t total) { return done < total / 2; };
  const auto result = write_synthetic(kTinyShape, path, options);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kCancelled);
  EXPECT_EQ(read_file(path), "old");
  EXPECT_EQ(folder.n_files(), 1u);
}

TEST(Synth, progress_ends_at_the_total) {
  const ScratchFolder folder;
  SynthOptions options = options_of("Q6_K");
  uint64_t last = 0, all = 0;
  options.on_progress = [&](uint64_t done, uint64_t total) {
    EXPECT_GT(done, last);
    last = done;
    all = total;
    return true;
  };
  expect_ok(write_synthetic(kTinyShape, folder / "model.gguf", options));
  EXPECT_EQ(last, all);
}

TEST(Synth, the_file_says_that_it_has_no_tokenizer) {
  const ScratchFolder folder;
  expect_ok(write_synthetic(kTinyShape, folder / "model.gguf", options_of("Q8_0")));
  const auto file = gguf::File::open(folder / "model.gguf");
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->metadata().get_string("tokenizer.ggml.model").value_or(""), "none");
  EXPECT_EQ(file->metadata().get_uint("llama.vocab_size", 0, 1 << 30).value_or(0), 512u);
}

}  // namespace
}  // namespace hearth::lab
