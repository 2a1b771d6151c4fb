// Each sampler against its definition in plain full-vector code, on random logits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <random>

#include "engine/sampling/chain.h"
#include "engine/sampling/exponential.h"

namespace hearth::engine {
namespace {

using Distribution = std::map<TokenId, double>;
constexpr double kInf = std::numeric_limits<double>::infinity();

struct Definition {
  std::vector<double> logits;  // -infinity: out of the draw

  Distribution distribution() const {
    const double most = *std::max_element(logits.begin(), logits.end());
    double total = 0;
    for (const double logit : logits) total += std::exp(logit - most);
    Distribution result;
    for (size_t i = 0; i < logits.size(); ++i) {
      if (logits[i] > -kInf) result[static_cast<TokenId>(i)] = std::exp(logits[i] - most) / total;
    }
    return result;
  }
  // Tokens in the draw, likeliest first, ties by lower token.
  std::vector<TokenId> ranking() const {
    std::vector<TokenId> order;
    for (size_t i = 0; i < logits.size(); ++i) {
      if (logits[i] > -kInf) order.push_back(static_cast<TokenId>(i));
    }
    std::stable_sort(order.begin(), order.end(), [&](TokenId a, TokenId b) {
      return logits[static_cast<size_t>(a)] > logits[static_cast<size_t>(b)];
    });
    return order;
  }
  void keep(const std::vector<TokenId>& kept) {
    for (size_t i = 0; i < logits.size(); ++i) {
      if (std::find(kept.begin(), kept.end(), static_cast<TokenId>(i)) == kept.end()) {
        logits[i] = -kInf;
      }
    }
  }

  void top_k(size_t k) {
    auto order = ranking();
    order.resize(std::min(k, order.size()));
    keep(order);
  }
  void top_p(double p) {
    const auto probability = distribution();
    std::vector<TokenId> kept;
    double sum = 0;
    for (const TokenId token : ranking()) {
      kept.push_back(token);
      sum += probability.at(token);
      if (sum >= p) break;
    }
    keep(kept);
  }
  void min_p(double p) {
    const auto probability = distribution();
    std::vector<TokenId> kept;
    const double most = probability.at(ranking().front());
    for (const TokenId token : ranking()) {
      if (probability.at(token) >= p * most) kept.push_back(token);
    }
    keep(kept);
  }
  void typical_p(double p) {
    const auto probability = distribution();
    double entropy = 0;
    for (const auto& [token, q] : probability) entropy -= q > 0 ? q * std::log(q) : 0;
    auto order = ranking();
    std::stable_sort(order.begin(), order.end(), [&](TokenId a, TokenId b) {
      return std::abs(-std::log(probability.at(a)) - entropy) <
             std::abs(-std::log(probability.at(b)) - entropy);
    });
    std::vector<TokenId> kept;
    double sum = 0;
    for (const TokenId token : order) {
      kept.push_back(token);
      sum += probability.at(token);
      if (sum > p) break;
    }
    keep(kept);
  }
  void top_n_sigma(double n) {
    double mean = 0, square = 0;
    const auto order = ranking();
    for (const TokenId token : order) mean += logits[static_cast<size_t>(token)];
    mean /= static_cast<double>(order.size());
    for (const TokenId token : order) {
      square += std::pow(logits[static_cast<size_t>(token)] - mean, 2);
    }
    const double sigma = std::sqrt(square / static_cast<double>(order.size()));
    const double most = logits[static_cast<size_t>(order.front())];
    std::vector<TokenId> kept;
    for (const TokenId token : order) {
      if (logits[static_cast<size_t>(token)] >= most - n * sigma) kept.push_back(token);
    }
    keep(kept);
  }
  void xtc_always(double threshold) {
    const auto probability = distribution();
    auto order = ranking();
    size_t n_top = 0;
    while (n_top < order.size() && probability.at(order[n_top]) >= threshold) ++n_top;
    if (n_top >= 2) order.erase(order.begin(), order.begin() + static_cast<ptrdiff_t>(n_top) - 1);
    keep(order);
  }
  void temperature(double t) {
    for (double& logit : logits) logit /= t;
  }
};

std::vector<float> random_logits(std::mt19937& random, size_t n) {
  std::normal_distribution<float> normal(0, 3);
  std::vector<float> logits(n);
  for (float& logit : logits) logit = normal(random);
  if (random() % 3 == 0) {  // ties and banned tokens
    for (float& logit : logits) logit = std::round(logit);
    for (size_t i = 0; i < n / 4; ++i) {
      logits[random() % (n - 1) + 1] = -std::numeric_limits<float>::infinity();
    }
  }
  return logits;
}

// Everything off but what `settings` names.
SamplingOptions only(const std::map<std::string, double>& settings) {
  SamplingOptions options;
  const std::map<std::string, double> off = {
      {"top_k", 0}, {"top_p", 1}, {"temperature", 1}, {"repeat_penalty", 1}, {"seed", 7}};
  for (const auto& [name, value] : off) EXPECT_TRUE(options.set(name, value));
  for (const auto& [name, value] : settings) EXPECT_TRUE(options.set(name, value)) << name;
  return options;
}

SamplerChain make_chain(const SamplingOptions& options, size_t n_vocab) {
  auto chain = SamplerChain::create(options, {static_cast<int32_t>(n_vocab), 64, {}});
  EXPECT_TRUE(chain) << chain.error().message;
  return std::move(*chain);
}

Distribution drawn_from(SamplerChain& chain) {
  Distribution result;
  chain.candidates().weigh();
  for (const Candidate& item : chain.candidates().items()) {
    result[item.token] = item.weight / chain.candidates().total_weight();
  }
  return result;
}

void expect_same(const Distribution& wanted, const Distribution& got) {
  ASSERT_EQ(wanted.size(), got.size());
  for (const auto& [token, probability] : wanted) {
    ASSERT_TRUE(got.contains(token)) << token;
    ASSERT_NEAR(got.at(token), probability, 1e-5) << token;
  }
}

struct Case {
  const char* name;
  std::map<std::string, double> settings;
  std::function<void(Definition&)> define;
};

class SamplerDefinition : public testing::TestWithParam<Case> {};

TEST_P(SamplerDefinition, chain_draws_from_the_defined_distribution) {
  std::mt19937 random(20261123);
  for (int round = 0; round < 200; ++round) {
    const size_t n = 2 + random() % (round % 10 == 0 ? 3000 : 60);
    std::vector<float> logits = random_logits(random, n);
    Definition definition{{logits.begin(), logits.end()}};
    GetParam().define(definition);
    SamplerChain chain = make_chain(only(GetParam().settings), n);
    ASSERT_TRUE(chain.sample(logits));
    expect_same(definition.distribution(), drawn_from(chain));
    if (HasFatalFailure()) FAIL() << "round " << round << ", " << n << " tokens";
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, SamplerDefinition,
    testing::Values(
        Case{"none", {}, [](Definition&) {}},
        Case{"top_k_1", {{"top_k", 1}}, [](Definition& d) { d.top_k(1); }},
        Case{"top_k_5", {{"top_k", 5}}, [](Definition& d) { d.top_k(5); }},
        Case{"top_k_40", {{"top_k", 40}}, [](Definition& d) { d.top_k(40); }},
        Case{"top_k_beyond_the_vocabulary", {{"top_k", 1e6}}, [](Definition&) {}},
        Case{"top_p_0", {{"top_p", 0}}, [](Definition& d) { d.top_k(1); }},
        Case{"top_p_half", {{"top_p", 0.5}}, [](Definition& d) { d.top_p(0.5); }},
        Case{"top_p_999", {{"top_p", 0.999}}, [](Definition& d) { d.top_p(0.999); }},
        Case{"min_p_1", {{"min_p", 1}}, [](Definition& d) { d.min_p(1); }},
        Case{"min_p_05", {{"min_p", 0.05}}, [](Definition& d) { d.min_p(0.05); }},
        Case{"typical_p_0", {{"typical_p", 0}}, [](Definition& d) { d.typical_p(0); }},
        Case{"typical_p_7", {{"typical_p", 0.7}}, [](Definition& d) { d.typical_p(0.7); }},
        Case{"top_n_sigma_1", {{"top_n_sigma", 1}}, [](Definition& d) { d.top_n_sigma(1); }},
        Case{"xtc_always",
             {{"xtc_probability", 1}, {"xtc_threshold", 0.05}},
             [](Definition& d) { d.xtc_always(0.05); }},
        Case{"xtc_at_threshold_0",
             {{"xtc_probability", 1}, {"xtc_threshold", 0}},
             [](Definition& d) { d.xtc_always(0); }},
        Case{"temperature_0", {{"temperature", 0}}, [](Definition& d) { d.top_k(1); }},
        Case{"temperature_7", {{"temperature", 0.7}}, [](Definition& d) { d.temperature(0.7); }},
        Case{"default_order",
             {{"top_n_sigma", 2},
              {"top_k", 30},
              {"typical_p", 0.95},
              {"top_p", 0.9},
              {"min_p", 0.02},
              {"xtc_probability", 1},
              {"temperature", 1.3}},
             [](Definition& d) {
               d.top_n_sigma(2);
               d.top_k(30);
               d.typical_p(0.95);
               d.top_p(0.9);
               d.min_p(0.02);
               d.xtc_always(0.1);
               d.temperature(1.3);
             }}),
    [](const auto& test) { return test.param.name; });

// keep_share() sorts little of a large vocabulary; it must keep what sorting all of it keeps.
TEST(KeepShare, keeps_the_very_candidates_of_a_full_sort) {
  std::mt19937 random(5);
  for (int round = 0; round < 400; ++round) {
    const float spreads[] = {0, 1e-20f, 0.01f, 0.5f, 3, 20, 1e6f};
    const float spread = spreads[random() % 7];
    std::vector<float> logits = random_logits(random, 2 + random() % (round % 4 == 0 ? 20000 : 90));
    for (float& logit : logits) logit *= spread;  // 0 and -0 where it is 0
    std::erase_if(logits, [](float logit) { return std::isnan(logit); });
    const double shares[] = {0, 0.1, 0.5, 0.9, 0.99, 0.999999, 1 - 1e-16};
    const double share = shares[random() % 7];

    Candidates candidates;
    candidates.reset(logits);
    candidates.keep_share(share);
    const double total = candidates.total_weight();

    const float most = *std::max_element(logits.begin(), logits.end());
    std::vector<Candidate> all;
    for (size_t i = 0; i < logits.size(); ++i) {
      if (logits[i] == -std::numeric_limits<float>::infinity()) continue;
      all.push_back(
          {static_cast<TokenId>(i), logits[i], exponential(static_cast<double>(logits[i]) - most)});
    }
    std::sort(all.begin(), all.end(), ranks_before);
    double sum = 0;
    size_t n = 0;
    while (n < all.size() && (n == 0 || sum < share * total)) sum += all[n++].weight;

    ASSERT_EQ(candidates.items().size(), n) << "round " << round;
    for (size_t i = 0; i < n; ++i) {
      ASSERT_EQ(candidates.items()[i].token, all[i].token) << "round " << round;
      ASSERT_EQ(candidates.items()[i].weight, all[i].weight) << "round " << round;
    }
  }
}

TEST(SamplerOrder, names_decide_which_sampler_acts_first) {
  SamplingOptions options = only({{"temperature", 2}, {"top_p", 0.6}});
  ASSERT_TRUE(options.set("samplers", {"temperature", "top_p"}));
  std::vector<float> logits = {3, 2, 1, 0, -1};
  Definition definition{{logits.begin(), logits.end()}};
  definition.temperature(2);
  definition.top_p(0.6);
  SamplerChain chain = make_chain(options, logits.size());
  ASSERT_TRUE(chain.sample(logits));
  expect_same(definition.distribution(), drawn_from(chain));
  EXPECT_EQ(definition.distribution().size(), 2u);
}

TEST(SamplerOrder, a_sampler_left_out_of_the_order_does_nothing) {
  SamplingOptions options = only({{"top_k", 2}, {"temperature", 0}});
  ASSERT_TRUE(options.set("samplers", {"top_k"}));
  std::vector<float> logits = {1, 1, 0, 0};
  SamplerChain chain = make_chain(options, logits.size());
  ASSERT_TRUE(chain.sample(logits));
  expect_same({{0, 0.5}, {1, 0.5}}, drawn_from(chain));
}

TEST(Penalties, follow_their_formula_on_the_last_n_tokens) {
  std::mt19937 random(3);
  for (int round = 0; round < 100; ++round) {
    const size_t n = 20;
    std::vector<float> logits = random_logits(random, n);
    std::vector<TokenId> history(random() % 40);
    for (TokenId& token : history) token = static_cast<TokenId>(random() % n);
    SamplingOptions options = only({{"repeat_penalty", 1.3},
                                    {"presence_penalty", 0.4},
                                    {"frequency_penalty", 0.2},
                                    {"repeat_last_n", 12}});
    Definition definition{{logits.begin(), logits.end()}};
    for (size_t token = 0; token < n; ++token) {
      const auto from =
          history.end() - static_cast<ptrdiff_t>(std::min<size_t>(12, history.size()));
      const auto count = std::count(from, history.end(), static_cast<TokenId>(token));
      double& logit = definition.logits[token];
      if (count == 0 || logit == -kInf) continue;
      logit = logit > 0 ? logit / 1.3 : logit * 1.3;
      logit -= 0.4 + 0.2 * static_cast<double>(count);
    }
    SamplerChain chain = make_chain(options, n);
    chain.accept(history);
    ASSERT_TRUE(chain.sample(logits));
    expect_same(definition.distribution(), drawn_from(chain));
  }
}

TEST(Penalties, minus_one_looks_back_on_the_whole_context) {
  SamplingOptions options = only({{"presence_penalty", 5}, {"repeat_last_n", -1}});
  std::vector<TokenId> history = {2};
  history.insert(history.end(), 60, 0);  // the chain's context is 64
  std::vector<float> logits = {0, 0, 0};
  SamplerChain chain = make_chain(options, 3);
  chain.accept(history);
  ASSERT_TRUE(chain.sample(logits));
  EXPECT_LT(drawn_from(chain).at(2), 0.01);
}

std::string letter(TokenId token) { return std::string(1, static_cast<char>('a' + token)); }

// DRY by its definition: for each token, the longest repetition that it would extend.
std::vector<double> dry_penalties(const std::vector<TokenId>& history, size_t n_vocab,
                                  size_t allowed, const std::string& breakers) {
  std::vector<double> penalties(n_vocab, 0);
  for (size_t token = 0; token < n_vocab; ++token) {
    size_t longest = 0;
    for (size_t end = 0; end + 1 < history.size(); ++end) {  // a repetition that ends at `end`
      if (history[end + 1] != static_cast<TokenId>(token)) continue;
      size_t length = 0;
      while (length <= end && history[end - length] == history[history.size() - 1 - length] &&
             breakers.find(letter(history[end - length])) == std::string::npos) {
        ++length;
      }
      longest = std::max(longest, length);
    }
    if (longest >= allowed && longest > 0) {
      penalties[token] = 0.8 * std::pow(1.75, static_cast<double>(longest - allowed));
    }
  }
  return penalties;
}

TEST(Dry, follows_its_definition_with_breakers) {
  std::mt19937 random(11);
  int n_penalized = 0;
  for (int round = 0; round < 300; ++round) {
    const size_t n = 6;
    std::vector<float> logits = random_logits(random, n);
    std::vector<TokenId> history(random() % 50);
    for (TokenId& token : history) token = static_cast<TokenId>(random() % (2 + round % 5));
    SamplingOptions options = only({{"dry_multiplier", 0.8}});
    ASSERT_TRUE(options.set("dry_sequence_breakers", {"d", "e"}));
    Definition definition{{logits.begin(), logits.end()}};
    const auto penalties = dry_penalties(history, n, 2, "de");
    for (size_t token = 0; token < n; ++token) definition.logits[token] -= penalties[token];
    n_penalized +=
        std::count_if(penalties.begin(), penalties.end(), [](double p) { return p > 0; });
    auto chain = SamplerChain::create(options, {static_cast<int32_t>(n), 64, letter});
    ASSERT_TRUE(chain);
    chain->accept(history);
    ASSERT_TRUE(chain->sample(logits));
    expect_same(definition.distribution(), drawn_from(*chain));
    if (HasFatalFailure()) FAIL() << "round " << round;
  }
  EXPECT_GT(n_penalized, 200);
}

TEST(Dry, a_breaker_that_spans_tokens_breaks) {
  SamplingOptions options = only({{"dry_multiplier", 5}});
  const std::vector<TokenId> history = {0, 1, 2, 3, 0, 1, 2};  // abcdabc: d would repeat
  std::vector<float> logits(4, 0.0f);
  for (const auto& [breaker, is_penalized] :
       std::map<std::string, bool>{{"xy", true}, {"ab", true}, {"bc", false}}) {
    ASSERT_TRUE(options.set("dry_sequence_breakers", {breaker}));
    auto chain = SamplerChain::create(options, {4, 64, letter});
    ASSERT_TRUE(chain);
    chain->accept(history);
    auto scratch = logits;
    ASSERT_TRUE(chain->sample(scratch));
    // After "ab" only "c" can repeat: one token, fewer than the two allowed.
    const bool expected = is_penalized && breaker != "ab";
    EXPECT_EQ(drawn_from(*chain).at(3) < 0.2, expected) << breaker;
  }
}

TEST(Dry, a_long_repetition_stays_finite) {
  SamplingOptions options = only({{"dry_multiplier", 1}, {"dry_base", 100}});
  auto chain = SamplerChain::create(options, {2, 4096, {}});
  ASSERT_TRUE(chain);
  chain->accept(std::vector<TokenId>(4000, 1));
  std::vector<float> logits = {0, 0};
  EXPECT_EQ(chain->sample(logits).value(), 0);
}

TEST(Mirostat, version_2_keeps_what_is_not_more_surprising_than_mu) {
  std::vector<float> logits = {0, -1, -2, -3, -4};
  Definition definition{{logits.begin(), logits.end()}};
  const auto all = definition.distribution();
  std::vector<TokenId> kept;
  for (const auto& [token, probability] : all) {
    if (-std::log2(probability) <= 2 * 1.2) kept.push_back(token);  // mu starts at 2 tau
  }
  ASSERT_EQ(kept.size(), 2u);
  definition.keep(kept);
  SamplerChain chain = make_chain(only({{"mirostat", 2}, {"mirostat_tau", 1.2}}), logits.size());
  ASSERT_TRUE(chain.sample(logits));
  expect_same(definition.distribution(), drawn_from(chain));
}

TEST(Mirostat, takes_the_place_of_cutting_samplers) {
  std::vector<float> logits = {0, 0, 0, 0};
  SamplerChain chain = make_chain(only({{"mirostat", 2}, {"top_k", 1}}), logits.size());
  ASSERT_TRUE(chain.sample(logits));
  EXPECT_EQ(drawn_from(chain).size(), 4u);
}

class MirostatVersion : public testing::TestWithParam<int> {};

TEST_P(MirostatVersion, holds_the_mean_surprise_near_tau) {
  const size_t n = 2000;
  SamplerChain chain =
      make_chain(only({{"mirostat", GetParam()}, {"mirostat_tau", 3}, {"mirostat_eta", 0.1}}), n);
  double surprise = 0;
  const int n_draws = 3000;
  std::vector<float> zipf(n);  // p_i proportional to i^-1.2, on which both versions can aim
  for (size_t i = 0; i < n; ++i) zipf[i] = static_cast<float>(-1.2 * std::log(i + 1.0));
  for (int draw = 0; draw < n_draws; ++draw) {
    auto logits = zipf;
    const TokenId token = chain.sample(logits).value();
    surprise -= std::log2(drawn_from(chain).at(token));
  }
  EXPECT_NEAR(surprise / n_draws, 3.0, 0.15);
}

INSTANTIATE_TEST_SUITE_P(Both, MirostatVersion, testing::Values(1, 2));

TEST(LogitBias, is_added_before_all_samplers_and_minus_infinity_bans) {
  SamplingOptions options = only({});
  ASSERT_TRUE(options.set_logit_bias(0, -kInf));
  ASSERT_TRUE(options.set_logit_bias(2, 1.5));
  std::vector<float> logits = {5, 1, 1};
  SamplerChain chain = make_chain(options, 3);
  ASSERT_TRUE(chain.sample(logits));
  Definition definition{{-kInf, 1, 2.5}};
  expect_same(definition.distribution(), drawn_from(chain));
}

}  // namespace
}  // namespace hearth::engine
