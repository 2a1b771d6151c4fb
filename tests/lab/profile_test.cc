#include "lab/profile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>

#include "compute/cpu/backend.h"
#include "compute/reference/backend.h"
#include "gguf/file.h"
#include "lab/synth/synth.h"
#include "tests/lab/tiny_shape.h"
#include "tests/support/scratch_folder.h"

namespace hearth::lab {
namespace {

using testing::HasSubstr;

// A tiny Q8_0 model on its own file.
class Loaded {
 public:
  Loaded(const Shape& shape, std::unique_ptr<compute::Backend> backend) {
    const auto written =
        write_synthetic(shape, path(), {.file_type = find_file_type("Q8_0"), .on_progress = {}});
    if (!written) ADD_FAILURE() << written.error().message;
    file_ = std::make_unique<gguf::File>(gguf::File::open(path()).value());
    auto model = models::Model::load(*file_, std::move(backend), {.n_ctx = 64, .max_rows = 32});
    if (!model) ADD_FAILURE() << model.error().message;
    model_ = std::move(*model);
  }

  std::string path() const { return folder_ / "model.gguf"; }
  const gguf::File& file() const { return *file_; }
  models::Model& model() { return *model_; }

  Profile profile(const Workload& work, const ProfileOptions& options = {.n_repeats = 1}) {
    StepTimer timer(*model_);
    auto profile = profile_work(timer, work, options);
    if (!profile) ADD_FAILURE() << profile.error().message;
    return profile ? *profile : Profile{};
  }

 private:
  ScratchFolder folder_;
  std::unique_ptr<gguf::File> file_;
  std::unique_ptr<models::Model> model_;
};

std::unique_ptr<compute::Backend> cpu(int n_threads = 2) {
  return compute::make_cpu_backend({.n_threads = n_threads});
}

Workload prompt(int32_t n) { return {WorkKind::kPrompt, n, 0, 1}; }
Workload generation(int32_t n, int32_t depth, int32_t n_sequences = 1) {
  return {WorkKind::kGeneration, n, depth, n_sequences};
}

ProfileLine line_of(const Profile& profile, std::string_view operation) {
  for (const ProfileLine& line : profile.lines)
    if (line.operation == operation) return line;
  ADD_FAILURE() << "no line of " << operation;
  return {};
}

// "linear ffn_down": 2
std::map<std::string, double> operations(const Profile& profile) {
  std::map<std::string, double> n_ops;
  for (const ProfileLine& line : profile.lines)
    n_ops[line.operation + (line.weights.empty() ? "" : " ") + line.weights] += line.n_ops;
  return n_ops;
}

const std::map<std::string, double> kDense = {
    {"start", 1},           {"embed token_embd", 1},   {"qkv attn_q, attn_k, attn_v", 2},
    {"attention", 2},       {"linear attn_output", 2}, {"gated ffn_gate, ffn_up", 2},
    {"linear ffn_down", 2}, {"logits output", 1},
};

TEST(Profile, every_kind_of_operation_has_a_line_on_every_backend) {
  Loaded on_cpu(kTinyShape, cpu());
  EXPECT_EQ(operations(on_cpu.profile(prompt(5))), kDense);
  EXPECT_EQ(operations(on_cpu.profile(generation(3, 4, 2))), kDense);
  Loaded on_reference(kTinyShape, compute::make_reference_backend({}));
  EXPECT_EQ(operations(on_reference.profile(generation(1, 3))), kDense);
}

TEST(Profile, each_operation_has_a_line_with_its_tensors_in_the_order_of_the_program) {
  Loaded loaded(kTinyShape, cpu());
  const ProfileOptions options = {.limits = {}, .detail = Detail::kOperations, .n_repeats = 1};
  const Profile profile = loaded.profile(generation(3, 0), options);
  ASSERT_EQ(profile.lines.size(), 1u + 2 * 5 + 1 + 1);
  EXPECT_EQ(profile.lines[0].weights, "token_embd.weight");
  EXPECT_EQ(profile.lines[1].weights,
            "blk.0.attn_q.weight, blk.0.attn_k.weight, blk.0.attn_v.weight");
  EXPECT_EQ(profile.lines[1].types, "Q8_0");
  EXPECT_EQ(profile.lines[2].operation, "attention");
  EXPECT_EQ(profile.lines[10].weights, "blk.1.ffn_down.weight");
  EXPECT_EQ(profile.lines[12].operation, "start");
  for (const ProfileLine& line : profile.lines) EXPECT_DOUBLE_EQ(line.n_ops, 1) << line.weights;
}

TEST(Profile, lines_sum_to_the_step_and_nothing_waits_longer_than_it_takes) {
  for (const int n_threads : {1, 3}) {
    Loaded loaded(kTinyShape, cpu(n_threads));
    const Profile profile = loaded.profile(generation(4, 8, 2), {.n_repeats = 3});
    EXPECT_EQ(profile.n_steps, 4);
    double seconds = 0;
    for (const ProfileLine& line : profile.lines) {
      seconds += line.seconds;
      EXPECT_GT(line.seconds, 0) << line.operation;
      EXPECT_GE(line.waited_seconds, 0) << line.operation;
      EXPECT_LE(line.waited_seconds, line.seconds) << line.operation;
    }
    EXPECT_NEAR(seconds, profile.seconds, 1e-9);
    EXPECT_GT(profile.unprofiled_seconds, 0);
    EXPECT_TRUE(std::ranges::is_sorted(profile.lines, std::greater<>(), &ProfileLine::seconds));
  }
}

TEST(Profile, a_step_of_one_row_reads_the_matrices_its_cache_and_a_row_of_embeddings) {
  Loaded loaded(kTinyShape, cpu());
  uint64_t matrix_bytes = 0;
  for (const gguf::Tensor& tensor : loaded.file().tensors())
    if (tensor.n_dims == 2 && tensor.name != "token_embd.weight")
      matrix_bytes += tensor.data.size();
  const int32_t depth = 9;
  const uint64_t kv_bytes = (depth + 1) * loaded.model().info().kv_bytes_per_position;
  const uint64_t embedding_bytes = *quant::row_bytes(quant::Type::kQ8_0, 256);
  double n_bytes = 0;
  const Profile profile = loaded.profile(generation(1, depth));
  for (const ProfileLine& line : profile.lines) n_bytes += line.bytes;
  EXPECT_DOUBLE_EQ(n_bytes, static_cast<double>(matrix_bytes + kv_bytes + embedding_bytes));
}

TEST(Profile, rows_multiply_the_products_and_not_the_bytes) {
  Loaded loaded(kTinyShape, cpu());
  const Profile one = loaded.profile(prompt(1)), eight = loaded.profile(prompt(8));
  EXPECT_DOUBLE_EQ(line_of(one, "gated").macs, 2 * 2 * 256 * 512);  // layers, matrices
  EXPECT_DOUBLE_EQ(line_of(eight, "gated").macs, 8 * line_of(one, "gated").macs);
  EXPECT_DOUBLE_EQ(line_of(eight, "gated").bytes, 2 * 2 * 256 * 512 / 32 * 34);
  EXPECT_DOUBLE_EQ(line_of(eight, "logits").macs, 512 * 256);  // of the last row alone
  // Row r sees r + 1 positions of 4 heads of 64, in 2 layers.
  EXPECT_DOUBLE_EQ(line_of(eight, "attention").macs, 2 * 2 * 36 * 4 * 64);
  EXPECT_DOUBLE_EQ(line_of(eight, "attention").bytes,
                   8 * static_cast<double>(loaded.model().info().kv_bytes_per_position));
}

TEST(Profile, sequences_read_each_their_own_cache) {
  Loaded loaded(kTinyShape, cpu());
  // 1 head of 64 for K and V, in 2 bytes, 2 layers; the two steps see 6 and 7 positions.
  const double position = 2 * 64 * 2 * 2;
  for (const int32_t n : {1, 2}) {
    const ProfileLine line = line_of(loaded.profile(generation(2, 5, n)), "attention");
    EXPECT_DOUBLE_EQ(line.bytes, n * 6.5 * position);
  }
}

TEST(Profile, only_the_experts_in_use_count) {
  Loaded loaded(tiny_families()[4], cpu());
  const ProfileLine line = line_of(loaded.profile(prompt(1)), "experts");
  EXPECT_EQ(line.weights, "ffn_gate_inp, ffn_gate_exps, ffn_up_exps, ffn_down_exps");
  EXPECT_EQ(line.types, "F32, Q8_0");
  const double router = 256 * 8, experts = 2 * 3 * 256 * 256;
  EXPECT_DOUBLE_EQ(line.macs, 2 * (router + experts));
  EXPECT_DOUBLE_EQ(line.bytes, 2 * (router * 4 + experts / 32 * 34));
}

TEST(Profile, the_bound_is_reading_or_products_whichever_takes_longer) {
  Loaded loaded(kTinyShape, cpu());
  const auto logits = [&](double bytes_per_s, double macs_per_s) {
    const Limits limits{.read_bytes_per_s = bytes_per_s,
                        .macs_per_s = {{quant::Type::kQ8_0, macs_per_s}}};
    return line_of(loaded.profile(prompt(4), {.limits = limits, .n_repeats = 1}), "logits");
  };
  const ProfileLine reading = logits(1e6, 1e12), products = logits(1e12, 1e6);
  EXPECT_EQ(reading.bound, Bound::kReading);
  EXPECT_DOUBLE_EQ(reading.bound_seconds, 512 * 256 / 32 * 34 / 1e6);
  EXPECT_EQ(products.bound, Bound::kProducts);
  EXPECT_DOUBLE_EQ(products.bound_seconds, 512 * 256 / 1e6);
}

TEST(Profile, what_products_of_unknown_rate_decide_has_no_bound) {
  Loaded loaded(kTinyShape, cpu());
  const ProfileOptions options = {
      .limits = {.read_bytes_per_s = 1e9, .macs_per_s = {}}, .detail = {}, .n_repeats = 1};
  EXPECT_EQ(line_of(loaded.profile(prompt(4), options), "attention").bound, Bound::kNone);
  EXPECT_EQ(line_of(loaded.profile(generation(1, 4), options), "attention").bound, Bound::kReading);
}

TEST(Profile, a_profiled_step_computes_the_same_bits) {
  for (const Shape& shape : {kTinyShape, tiny_families()[4]}) {
    Loaded loaded(shape, cpu(3));
    StepTimer timer(loaded.model());
    for (const Workload& work : {prompt(9), generation(3, 5, 2)}) {
      ASSERT_TRUE(timer.time(work, {}));
      const std::vector<float> plain(timer.last_logits().begin(), timer.last_logits().end());
      ASSERT_TRUE(timer.profile(work, {}));
      EXPECT_TRUE(std::ranges::equal(plain, timer.last_logits())) << work.label();
    }
  }
}

TEST(Profile, work_that_does_not_fit_is_refused_with_the_numbers) {
  Loaded loaded(kTinyShape, cpu());
  StepTimer timer(loaded.model());
  const auto deep = profile_work(timer, generation(1, 64), {});
  ASSERT_FALSE(deep);
  EXPECT_EQ(deep.error().code, ErrorCode::kContextExceeded);
  EXPECT_THAT(deep.error().message, HasSubstr("the context holds 64"));
}

TEST(Profile, a_stop_is_heard_between_steps) {
  Loaded loaded(kTinyShape, cpu());
  StepTimer timer(loaded.model());
  int n_asked = 0;
  ProfileOptions options;
  options.is_cancelled = [&n_asked] { return ++n_asked == 7; };
  const auto profile = profile_work(timer, generation(4, 0), options);
  ASSERT_FALSE(profile);
  EXPECT_EQ(profile.error().code, ErrorCode::kCancelled);
  ASSERT_TRUE(timer.time(generation(1, 0), {}));
}

TEST(Profile, limits_are_measured_of_the_types_that_the_model_multiplies_with) {
  Loaded loaded(tiny_families()[4], cpu());
  StepTimer timer(loaded.model());
  const auto limits = measure_limits(timer, 1);
  ASSERT_TRUE(limits) << limits.error().message;
  EXPECT_GT(limits->read_bytes_per_s, 0);
  ASSERT_EQ(limits->macs_per_s.size(), 1u);  // the router's F32 has no rate
  EXPECT_GT(limits->macs_per_s.at(quant::Type::kQ8_0), 0);
}

}  // namespace
}  // namespace hearth::lab
