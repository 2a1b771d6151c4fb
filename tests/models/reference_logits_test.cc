// Each family's tiny model against the logits that `transformers` computed
// (make_model_fixtures.py).
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "compute/cpu/backend.h"
#include "tests/models/fixture.h"

namespace hearth::models {
namespace {

using compute::KvType;

constexpr size_t kPrompt = 64;
constexpr float kBound = 1e-4f;  // of the reference's range, at every position

struct Difference {
  float worst = 0;  // of the range
  size_t position = 0;
  double mean = 0;  // of the range
};

Difference compare(const std::vector<float>& found, const Fixture& fixture) {
  Difference result;
  EXPECT_EQ(found.size(), fixture.logits().size());
  for (size_t i = 0; i < found.size(); ++i) {
    const float d = std::abs(found[i] - fixture.logits()[i]) / fixture.range();
    result.mean += d / static_cast<double>(found.size());
    if (d <= result.worst) continue;
    result.worst = d;
    result.position = i / fixture.n_vocab();
  }
  return result;
}

constexpr LoadOptions kLoad{.n_ctx = 96, .kv_type = KvType::kF32, .max_rows = 64};

std::unique_ptr<Session> open_fixture(const Fixture& fixture) {
  return value_or_fail(Session::open(fixture.path(), kLoad, compute::make_reference_backend()));
}

std::unique_ptr<Session> open_on_cpu(const Fixture& fixture) {
  return value_or_fail(
      Session::open(fixture.path(), kLoad, compute::make_cpu_backend({.n_threads = 2})));
}

class ReferenceLogits : public testing::TestWithParam<std::string> {};

TEST_P(ReferenceLogits, prompt_in_one_step_then_single_tokens) {
  const Fixture fixture(GetParam());
  const size_t steps[] = {kPrompt, 1};
  const auto logits = value_or_fail(open_fixture(fixture)->run_in_steps(fixture.tokens(), steps));
  const Difference difference = compare(logits, fixture);
  fmt::print("{}: worst {:.2e} of the range {:.1f}, at position {}\n", fixture.name(),
             difference.worst, fixture.range(), difference.position);
  EXPECT_LE(difference.worst, kBound) << "at position " << difference.position;
}

TEST_P(ReferenceLogits, cpu_backend_agrees_too_in_one_step_and_in_odd_ones) {
  const Fixture fixture(GetParam());
  const size_t whole[] = {kPrompt, 1}, odd[] = {1, 7, 31, 2, 33, 3};
  const auto logits = value_or_fail(open_on_cpu(fixture)->run_in_steps(fixture.tokens(), whole));
  const Difference difference = compare(logits, fixture);
  fmt::print("{}: worst {:.2e} of the range {:.1f}, at position {}\n", fixture.name(),
             difference.worst, fixture.range(), difference.position);
  EXPECT_LE(difference.worst, kBound) << "at position " << difference.position;
  EXPECT_EQ(value_or_fail(open_on_cpu(fixture)->run_in_steps(fixture.tokens(), odd)), logits);
}

TEST_P(ReferenceLogits, odd_steps_give_the_same_bits) {
  const Fixture fixture(GetParam());
  const size_t whole[] = {kPrompt, 1}, odd[] = {1, 7, 31, 2, 33, 3};
  const auto expected = value_or_fail(open_fixture(fixture)->run_in_steps(fixture.tokens(), whole));
  const auto found = value_or_fail(open_fixture(fixture)->run_in_steps(fixture.tokens(), odd));
  EXPECT_EQ(found, expected);
}

// The cache's rounding, 2^-11 of a value or 1/254 of a block's largest, passes through a few
// layers; measured growth on these models is below 4 in the mean.
TEST_P(ReferenceLogits, rounded_caches_stay_close_in_the_mean) {
  const Fixture fixture(GetParam());
  const size_t steps[] = {kPrompt, 1};
  for (const auto& [kv, unit] : {std::pair(KvType::kF16, 1.0 / 2048), {KvType::kQ8_0, 1.0 / 254}}) {
    LoadOptions load = kLoad;
    load.kv_type = kv;
    auto session = Session::open(fixture.path(), load, compute::make_reference_backend());
    if (!session && kv == KvType::kQ8_0) {
      EXPECT_THAT(session.error().message, testing::HasSubstr("multiple of 32"));
      continue;
    }
    const auto logits =
        value_or_fail(value_or_fail(std::move(session))->run_in_steps(fixture.tokens(), steps));
    EXPECT_LE(compare(logits, fixture).mean, 4 * unit);
  }
}

TEST_P(ReferenceLogits, every_conversion_type_stays_close_in_the_mean) {
  const size_t steps[] = {kPrompt, 1};
  for (const auto& [type, unit] : {std::pair(quant::Type::kF16, 1.0 / 2048),
                                   {quant::Type::kBF16, 1.0 / 256},
                                   {quant::Type::kQ8_0, 1.0 / 254}}) {
    const Fixture fixture(GetParam(), type);
    const auto logits = value_or_fail(open_fixture(fixture)->run_in_steps(fixture.tokens(), steps));
    EXPECT_LE(compare(logits, fixture).mean, 4 * unit) << quant::type_info(type).name;
  }
}

INSTANTIATE_TEST_SUITE_P(Fixtures, ReferenceLogits, testing::ValuesIn(fixture_names()),
                         [](const auto& fixture) { return fixture.param; });

}  // namespace
}  // namespace hearth::models
