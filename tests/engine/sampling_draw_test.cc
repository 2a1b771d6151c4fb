// What is drawn: by distribution over many draws, by seed, and at the edges.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>

#include "engine/sampling/chain.h"
#include "engine/sampling/exponential.h"
#include "engine/sampling/logprobs.h"

namespace hearth::engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
constexpr float kInf = std::numeric_limits<float>::infinity();

SamplerChain make_chain(const std::map<std::string, double>& settings, int32_t n_vocab) {
  SamplingOptions options;
  EXPECT_TRUE(options.set("repeat_penalty", 1));
  EXPECT_TRUE(options.set("seed", 42));
  for (const auto& [name, value] : settings) EXPECT_TRUE(options.set(name, value)) << name;
  auto chain = SamplerChain::create(options, {n_vocab, 64, {}});
  EXPECT_TRUE(chain);
  return std::move(*chain);
}

TEST(Pcg32, gives_the_published_algorithms_numbers) {
  // Computed with a separate Python implementation of PCG-XSH-RR 64/32 (increment
  // 1442695040888963407).
  Pcg32 random(42);
  EXPECT_THAT((std::vector<uint32_t>{random.next(), random.next(), random.next()}),
              ElementsAre(3270867926u, 1795671209u, 1924641435u));
}

TEST(Pcg32, uniform_stays_below_one) {
  Pcg32 random(1);
  double sum = 0;
  for (int i = 0; i < 100000; ++i) {
    const double u = random.uniform();
    ASSERT_GE(u, 0.0);
    ASSERT_LT(u, 1.0);
    sum += u;
  }
  EXPECT_NEAR(sum / 100000, 0.5, 0.005);
}

TEST(Exponential, is_within_two_ulp_of_the_library) {
  Pcg32 random(5);
  for (int i = 0; i < 100000; ++i) {
    const double x = -700 * random.uniform() * random.uniform();
    const double wanted = std::exp(x);
    ASSERT_NEAR(exponential(x), wanted, wanted * 0x1p-51) << x;
  }
  EXPECT_EQ(exponential(0), 1.0);
  EXPECT_EQ(exponential(-kInf), 0.0);
  EXPECT_EQ(exponential(-1e300), 0.0);
}

TEST(Logarithm, is_the_librarys_to_its_last_bits) {
  Pcg32 random(6);
  for (int i = 0; i < 100000; ++i) {
    const double x = std::exp(1400 * random.uniform() - 700);
    const double wanted = std::log(x);
    ASSERT_NEAR(logarithm(x), wanted, std::max(std::abs(wanted) * 0x1p-50, 0x1p-53)) << x;
  }
  EXPECT_EQ(logarithm(1), 0.0);
}

// Chi-square of 20,000 draws against the distribution. The bound is the 0.9999 quantile for 9
// degrees of freedom; with a fixed seed the test always gives the same value.
TEST(Draw, twenty_thousand_draws_follow_the_distribution) {
  const std::vector<double> probability = {0.3, 0.2, 0.15, 0.1, 0.08, 0.06, 0.05, 0.03, 0.02, 0.01};
  for (const std::map<std::string, double>& settings :
       {std::map<std::string, double>{{"temperature", 1}, {"top_k", 0}, {"top_p", 1}},
        std::map<std::string, double>{{"temperature", 1}, {"top_k", 10}, {"top_p", 1}}}) {
    SamplerChain chain = make_chain(settings, 10);
    std::vector<int> counts(10);
    for (int i = 0; i < 20000; ++i) {
      std::vector<float> logits(10);
      for (size_t t = 0; t < 10; ++t) logits[t] = static_cast<float>(std::log(probability[t]));
      ++counts[static_cast<size_t>(chain.sample(logits).value())];
    }
    double chi_square = 0;
    for (size_t t = 0; t < 10; ++t) {
      const double wanted = 20000 * probability[t];
      chi_square += (counts[t] - wanted) * (counts[t] - wanted) / wanted;
    }
    EXPECT_LT(chi_square, 33.72);
  }
}

TEST(Draw, cut_draws_follow_the_renormalized_distribution) {
  // top_p 0.65 keeps 0.3, 0.2, 0.15; temperature 0.5 squares their ratios.
  const std::vector<double> kept = {0.09, 0.04, 0.0225};
  const double total = 0.1525;
  SamplerChain chain = make_chain({{"temperature", 0.5}, {"top_p", 0.649}}, 6);
  std::vector<int> counts(6);
  for (int i = 0; i < 20000; ++i) {
    std::vector<float> logits;
    for (const double p : {0.3, 0.2, 0.15, 0.13, 0.12, 0.1}) {
      logits.push_back(static_cast<float>(std::log(p)));
    }
    ++counts[static_cast<size_t>(chain.sample(logits).value())];
  }
  double chi_square = 0;
  for (size_t t = 0; t < 3; ++t) {
    const double wanted = 20000 * kept[t] / total;
    chi_square += (counts[t] - wanted) * (counts[t] - wanted) / wanted;
  }
  EXPECT_LT(chi_square, 18.42);  // the 0.9999 quantile for 2 degrees of freedom
  EXPECT_EQ(counts[3] + counts[4] + counts[5], 0);
}

TEST(Draw, xtc_acts_with_its_probability) {
  SamplerChain chain =
      make_chain({{"temperature", 1}, {"xtc_probability", 0.25}, {"xtc_threshold", 0.3}}, 2);
  int n_first = 0;
  for (int i = 0; i < 20000; ++i) {
    std::vector<float> logits = {static_cast<float>(std::log(0.6)),
                                 static_cast<float>(std::log(0.4))};
    n_first += chain.sample(logits).value() == 0;
  }
  EXPECT_NEAR(n_first / 20000.0, 0.75 * 0.6, 0.012);  // 3.4 standard deviations
}

TEST(Draw, a_seed_gives_the_same_tokens_and_another_gives_others) {
  const auto tokens = [](double seed) {
    SamplerChain chain = make_chain({{"seed", seed}, {"temperature", 1}}, 50);
    std::vector<TokenId> drawn;
    for (int i = 0; i < 30; ++i) {
      std::vector<float> logits(50, 0.0f);
      drawn.push_back(chain.sample(logits).value());
    }
    return drawn;
  };
  EXPECT_EQ(tokens(1), tokens(1));
  EXPECT_NE(tokens(1), tokens(2));
}

TEST(Draw, an_open_seed_is_reported) {
  SamplerChain chain = make_chain({{"seed", -1}, {"temperature", 1}}, 50);
  SamplerChain again =
      make_chain({{"seed", static_cast<double>(chain.seed())}, {"temperature", 1}}, 50);
  for (int i = 0; i < 10; ++i) {
    std::vector<float> a(50, 0.0f), b(50, 0.0f);
    EXPECT_EQ(chain.sample(a).value(), again.sample(b).value());
  }
}

TEST(Draw, greedy_takes_the_lower_of_tied_tokens) {
  SamplerChain chain = make_chain({{"temperature", 0}}, 5);
  std::vector<float> logits = {1, 3, 2, 3, 3};
  EXPECT_EQ(chain.sample(logits).value(), 1);
}

TEST(Draw, the_only_token_is_drawn_whatever_the_settings) {
  for (const std::map<std::string, double>& settings :
       {std::map<std::string, double>{{"top_p", 0}},
        {{"typical_p", 0}},
        {{"min_p", 1}},
        {{"xtc_probability", 1}, {"xtc_threshold", 0}},
        {{"mirostat", 1}},
        {{"mirostat", 2}},
        {{"top_n_sigma", 0.1}},
        {{"temperature", 0}},
        {{"temperature", 1e-30}}}) {
    SamplerChain one = make_chain(settings, 1);
    std::vector<float> logits = {-3};
    EXPECT_EQ(one.sample(logits).value(), 0);
    SamplerChain rest = make_chain(settings, 3);
    logits = {-kInf, -3, -kInf};
    EXPECT_EQ(rest.sample(logits).value(), 1);
  }
}

TEST(Draw, equal_logits_leave_a_choice_to_every_sampler) {
  for (const std::map<std::string, double>& settings :
       {std::map<std::string, double>{{"top_p", 0.5}},
        {{"typical_p", 0.5}},
        {{"min_p", 0.5}},
        {{"xtc_probability", 1}, {"xtc_threshold", 0.01}},
        {{"mirostat", 1}},
        {{"mirostat", 2}},
        {{"top_n_sigma", 1}},
        {{"temperature", 1e-30}}}) {
    SamplerChain chain = make_chain(settings, 20);
    std::vector<float> logits(20, 1.0f);
    EXPECT_TRUE(chain.sample(logits));
  }
}

TEST(Draw, nan_and_infinite_logits_are_refused) {
  SamplerChain chain = make_chain({}, 3);
  for (const float bad : {std::nanf(""), kInf}) {
    std::vector<float> logits = {0, bad, 1};
    const auto token = chain.sample(logits);
    ASSERT_FALSE(token);
    EXPECT_EQ(token.error().code, ErrorCode::kNonFinite);
    EXPECT_THAT(token.error().message, HasSubstr("1 of 3 logits"));
  }
  std::vector<float> logits = {-kInf, -kInf, -kInf};
  EXPECT_EQ(chain.sample(logits).error().code, ErrorCode::kNonFinite);
}

TEST(Options, a_value_out_of_range_is_named_with_its_range) {
  SamplingOptions options;
  EXPECT_EQ(options.set("top_p", 1.5).error().message, "top_p: 1.5 is out of range [0, 1]");
  EXPECT_EQ(options.set("top_p", 1.5).error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(options.set("dry_allowed_length", -1).error().message,
              HasSubstr("dry_allowed_length: -1 is out of range"));
  EXPECT_THAT(options.set("temperature", std::nan("")).error().message, HasSubstr("out of range"));
  EXPECT_EQ(options.set("top_k", 1.5).error().message, "top_k: 1.5 is not a whole number");
  EXPECT_THAT(options.set("tpo_k", 1).error().message, HasSubstr("unknown sampling parameter"));
  EXPECT_THAT(options.set_text("top_k", "4x").error().message, HasSubstr("'4x' is not a number"));
  EXPECT_THAT(options.set_logit_bias(1, 101).error().message, HasSubstr("[-100, 100]"));
}

TEST(Options, every_parameter_refuses_what_lies_beyond_its_range) {
  for (const Parameter& parameter : SamplingOptions::parameters()) {
    if (parameter.kind == Parameter::Kind::kTexts) continue;
    SamplingOptions options;
    EXPECT_TRUE(options.set(parameter.name, parameter.least)) << parameter.name;
    EXPECT_TRUE(options.set(parameter.name, parameter.most)) << parameter.name;
    EXPECT_FALSE(options.set(parameter.name, parameter.least - 1)) << parameter.name;
    EXPECT_FALSE(options.set(parameter.name, parameter.most * 2 + 1)) << parameter.name;
  }
}

TEST(Options, defaults_are_those_that_ollama_users_know_but_no_token_is_penalized) {
  const SamplingOptions options;
  const std::map<std::string, double> known = {{"temperature", 0.8},     {"top_k", 40},
                                               {"top_p", 0.9},           {"min_p", 0},
                                               {"typical_p", 1},         {"repeat_last_n", 64},
                                               {"repeat_penalty", 1.0},  {"presence_penalty", 0},
                                               {"frequency_penalty", 0}, {"mirostat", 0},
                                               {"mirostat_tau", 5},      {"mirostat_eta", 0.1}};
  for (const auto& [name, value] : known) EXPECT_EQ(options.number(name), value) << name;
  EXPECT_EQ(options.text("samplers"),
            "penalties;dry;top_n_sigma;top_k;typical_p;top_p;min_p;xtc;temperature");
}

TEST(Options, an_order_must_name_known_samplers_once) {
  SamplingOptions options;
  EXPECT_TRUE(options.set_text("samplers", "top_k;temperature"));
  EXPECT_THAT(options.set_text("samplers", "top_k;topp").error().message, HasSubstr("'topp'"));
  EXPECT_THAT(options.set_text("samplers", "top_k;top_k").error().message, HasSubstr("twice"));
  EXPECT_EQ(options.text("samplers"), "top_k;temperature");
}

TEST(LogitBiasRange, a_token_beyond_the_vocabulary_is_refused) {
  SamplingOptions options;
  ASSERT_TRUE(options.set_logit_bias(10, 1));
  EXPECT_THAT(SamplerChain::create(options, {10, 64, {}}).error().message,
              HasSubstr("token 10 is out of range, the vocabulary has 10"));
}

TEST(LogprobsOf, are_the_log_softmax_likeliest_first) {
  std::vector<float> logits = {1, 3, 2, 3, -kInf};
  const double log_total = std::log(std::exp(1) + 2 * std::exp(3) + std::exp(2));
  const Logprobs result = logprobs_of(logits, 2, 3);
  EXPECT_NEAR(result.chosen.logprob, 2 - log_total, 1e-6);
  ASSERT_EQ(result.top.size(), 3u);
  EXPECT_EQ(result.top[0].token, 1);
  EXPECT_EQ(result.top[1].token, 3);
  EXPECT_EQ(result.top[2].token, 2);
  EXPECT_NEAR(result.top[0].logprob, 3 - log_total, 1e-6);
  EXPECT_EQ(logprobs_of(logits, 0, 100).top.size(), 5u);
  EXPECT_EQ(logprobs_of(logits, 0, 0).top.size(), 0u);
}

}  // namespace
}  // namespace hearth::engine
