// What is learned from guesses and times, and how far ahead that makes a speculator run.
#include "engine/speculation/speculator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/speculation/policy.h"

namespace hearth::engine {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using Tokens = std::vector<text::TokenId>;

std::vector<Proposal> proposals_of(size_t n, int32_t sureness) {
  return std::vector<Proposal>(n, Proposal{1, sureness});
}

HitRates rates_after(int32_t sureness, int n_hits, int n_misses) {
  HitRates rates;
  for (int i = 0; i < std::max(n_hits, n_misses); ++i) {
    if (i < n_misses) rates.learn(sureness, false);
    if (i < n_hits) rates.learn(sureness, true);
  }
  return rates;
}

// A machine on which a further row costs so much of the first one.
StepCosts costs_of(double extra, int n_steps = 300) {
  StepCosts costs;
  for (int i = 0; i < n_steps; ++i) {
    for (int32_t n = 1; n <= StepCosts::kMostRows; ++n) costs.learn(n, 1 + extra * (n - 1));
  }
  return costs;
}

TEST(HitRates, follow_what_came_true_lately) {
  HitRates rates = rates_after(3, 0, 200);
  EXPECT_LT(rates.chance(3), 0.01);
  for (int i = 0; i < 100; ++i) rates.learn(3, true);
  EXPECT_GT(rates.chance(3), 0.9);
  EXPECT_EQ(rates.chance(4), HitRates().chance(4));
}

TEST(StepCosts, come_near_what_steps_take) {
  for (const double extra : {0.05, 0.2, 0.9}) {
    const StepCosts costs = costs_of(extra);
    EXPECT_EQ(costs.cost(1), 1);
    for (int32_t n = 2; n <= StepCosts::kMostRows; ++n) {
      EXPECT_NEAR(costs.cost(n), 1 + extra * (n - 1), 0.15 * (1 + extra * (n - 1)));
    }
  }
}

TEST(StepCosts, do_not_follow_the_machine_when_it_slows_down_as_a_whole) {
  StepCosts costs = costs_of(0.2);
  for (int i = 0; i < 300; ++i) {
    for (const int32_t n : {1, 8}) costs.learn(n, 3 * (1 + 0.2 * (n - 1)));
  }
  EXPECT_NEAR(costs.unit_s(), 3, 0.1);
  EXPECT_NEAR(costs.cost(8), 2.4, 0.3);
}

TEST(StepCosts, forget_a_bad_measurement) {
  StepCosts costs;
  costs.learn(1, 1);
  for (int i = 0; i < 30; ++i) costs.learn(4, 100);
  EXPECT_GT(costs.cost(4), 2);
  for (int i = 0; i < 5000; ++i) costs.learn(1, 1);
  EXPECT_NEAR(costs.cost(4), StepCosts().cost(4), 0.05);
}

TEST(StepCosts, survive_a_clock_that_stands_still) {
  StepCosts costs;
  for (int i = 0; i < 100; ++i) costs.learn(1 + i % 16, 0);
  for (int32_t n = 1; n <= StepCosts::kMostRows; ++n) {
    EXPECT_GE(costs.cost(n), 1);
    EXPECT_LT(costs.cost(n), 20);
  }
}

TEST(GuessCost, leaves_out_guesses_with_much_to_catch_up_on) {
  GuessCost cost;
  cost.learn(10, 100);  // the first of an answer: a prompt was run
  EXPECT_EQ(cost.seconds(), 0);
  for (size_t n = 11; n < 100; ++n) cost.learn(n, 2);
  cost.learn(400, 100);  // not asked for a while
  EXPECT_NEAR(cost.seconds(), 2, 1e-9);
  cost.begin();
  cost.learn(401, 100);
  EXPECT_NEAR(cost.seconds(), 2, 1e-9);
}

TEST(GuessCost, follows_guesses_but_not_one_that_was_held_up) {
  GuessCost cost;
  for (size_t n = 1; n < 100; ++n) cost.learn(n, 2);
  cost.learn(100, 1000);
  EXPECT_LT(cost.seconds(), 2.5);
  for (size_t n = 101; n < 200; ++n) cost.learn(n, 5);
  EXPECT_NEAR(cost.seconds(), 5, 0.01);
}

TEST(Policy, runs_as_far_ahead_as_the_chances_and_the_costs_pay) {
  const auto sure = proposals_of(Speculator::kMostAhead, 5);
  EXPECT_EQ(best_length(sure, rates_after(5, 200, 0), costs_of(0.1)), Speculator::kMostAhead);
  const int32_t some = best_length(sure, rates_after(5, 150, 140), costs_of(0.1));
  EXPECT_GT(some, 0);
  EXPECT_LT(some, Speculator::kMostAhead);
  EXPECT_EQ(best_length(sure, rates_after(5, 5, 200), costs_of(0.1)), 0);
  EXPECT_EQ(best_length(sure, rates_after(5, 200, 0), costs_of(1.5)), 0);
  EXPECT_EQ(best_length({}, HitRates(), StepCosts()), 0);
}

TEST(Policy, guesses_only_where_a_guess_is_cheaper_than_what_it_brings) {
  const HitRates good = rates_after(5, 200, 20);
  const StepCosts costs = costs_of(0.1);
  EXPECT_TRUE(pays_to_guess({}, good, costs, 0.2));
  EXPECT_FALSE(pays_to_guess({}, good, costs, 0.95));
  EXPECT_FALSE(pays_to_guess({}, rates_after(5, 20, 200), costs, 0.2));
  EXPECT_FALSE(pays_to_guess(proposals_of(Speculator::kMostAhead, 5), good, costs, 0));
}

// Guesses that the text counts on.
class Counting : public Proposer {
 public:
  explicit Counting(bool is_free = true, int* n_asked = nullptr)
      : is_free_(is_free), n_asked_(n_asked) {}
  void begin() override {}
  bool propose_next(std::span<const text::TokenId> text,
                    std::vector<Proposal>& proposals) override {
    if (n_asked_ != nullptr) ++*n_asked_;
    const auto last = proposals.empty() ? text.back() : proposals.back().token;
    proposals.push_back({last + 1, kSurenesses - 1});
    return true;
  }
  bool is_free() const override { return is_free_; }

 private:
  bool is_free_;
  int* n_asked_;
};

TEST(Guesser, holds_what_follows_a_difference_for_void) {
  Guesser guesser(std::make_unique<Counting>());
  guesser.begin();
  guesser.guess(Tokens{5}, 3);
  EXPECT_TRUE(guesser.compare(6));
  EXPECT_FALSE(guesser.compare(9));
  EXPECT_FALSE(guesser.compare(8));
  EXPECT_THAT(guesser.proposals(), IsEmpty());
}

Speculator speculator_of(std::unique_ptr<Proposer> first,
                         std::unique_ptr<Proposer> second = nullptr) {
  std::vector<std::unique_ptr<Proposer>> proposers;
  proposers.push_back(std::move(first));
  if (second != nullptr) proposers.push_back(std::move(second));
  return Speculator(std::move(proposers));
}

Tokens ahead_of(Speculator& speculator, const Tokens& text, int32_t most) {
  const auto ahead = speculator.look_ahead(text, most);
  return {ahead.begin(), ahead.end()};
}

TEST(Speculator, accepts_what_was_drawn_up_to_the_first_difference) {
  Speculator speculator = speculator_of(std::make_unique<Counting>());
  speculator.begin(Speculation::kAlways);
  EXPECT_THAT(ahead_of(speculator, {5}, 3), ElementsAre(6, 7, 8));
  speculator.ran(3, 1);
  EXPECT_TRUE(speculator.accept(6));
  EXPECT_TRUE(speculator.accept(7));
  EXPECT_FALSE(speculator.accept(9));
  EXPECT_FALSE(speculator.accept(8));  // what came after the difference is void
  EXPECT_THAT(ahead_of(speculator, {5, 6, 7, 9}, 2), ElementsAre(10, 11));
  speculator.ran(2, 1);
  EXPECT_TRUE(speculator.accept(10));
  EXPECT_TRUE(speculator.accept(11));
  EXPECT_FALSE(speculator.accept(12));
  EXPECT_EQ(speculator.stats().n_steps, 2);
  EXPECT_EQ(speculator.stats().n_proposed, 5);
  EXPECT_EQ(speculator.stats().n_accepted, 4);
}

// Guesses a token, and only while it is told to.
class Fixed : public Proposer {
 public:
  Fixed(text::TokenId token, const bool* is_on) : token_(token), is_on_(is_on) {}
  void begin() override {}
  bool propose_next(std::span<const text::TokenId>, std::vector<Proposal>& proposals) override {
    if (*is_on_) proposals.push_back({token_, kSurenesses - 1});
    return *is_on_;
  }
  bool is_free() const override { return true; }

 private:
  text::TokenId token_;
  const bool* is_on_;
};

TEST(Speculator, asks_the_second_proposer_where_the_first_knows_nothing) {
  bool first_knows = true, second_knows = true;
  Speculator speculator = speculator_of(std::make_unique<Fixed>(1, &first_knows),
                                        std::make_unique<Fixed>(2, &second_knows));
  for (const Speculation mode : {Speculation::kAlways, Speculation::kAuto}) {
    speculator.begin(mode);
    first_knows = true;
    EXPECT_THAT(ahead_of(speculator, {5}, 2), ElementsAre(1, 1));
    speculator.ran(2, 1);
    EXPECT_TRUE(speculator.accept(1));
    first_knows = false;
    EXPECT_THAT(ahead_of(speculator, {5, 1, 3}, 2), ElementsAre(2, 2));
    speculator.ran(2, 1);
    EXPECT_FALSE(speculator.accept(1));
    EXPECT_FALSE(speculator.accept(2));
  }
}

TEST(Speculator, learns_of_the_first_proposer_while_the_second_leads) {
  const bool knows = true;
  Speculator speculator =
      speculator_of(std::make_unique<Fixed>(1, &knows), std::make_unique<Fixed>(2, &knows));
  speculator.begin(Speculation::kAuto);
  const auto first_ahead_after = [&](text::TokenId drawn) {
    const Tokens ahead = ahead_of(speculator, {5}, 1);
    speculator.ran(static_cast<int32_t>(ahead.size()), 1);
    EXPECT_EQ(speculator.accept(drawn), !ahead.empty() && ahead[0] == drawn);
    return ahead.empty() ? 0 : ahead[0];
  };
  EXPECT_EQ(first_ahead_after(2), 1);
  for (int i = 0; i < 40; ++i) first_ahead_after(2);
  EXPECT_EQ(first_ahead_after(2), 2);
  for (int i = 0; i < 80; ++i) first_ahead_after(1);
  EXPECT_EQ(first_ahead_after(1), 1);
}

TEST(Speculator, accepts_nothing_that_was_not_run) {
  Speculator speculator = speculator_of(std::make_unique<Counting>());
  speculator.begin(Speculation::kAlways);
  EXPECT_THAT(ahead_of(speculator, {5}, 3), SizeIs(3));
  speculator.ran(0, 1);  // the step failed with them and was run without
  EXPECT_FALSE(speculator.accept(6));
  EXPECT_EQ(speculator.stats().n_proposed, 0);
}

TEST(Speculator, keeps_to_the_room_that_there_is) {
  Speculator speculator = speculator_of(std::make_unique<Counting>());
  speculator.begin(Speculation::kAlways);
  EXPECT_THAT(ahead_of(speculator, {5}, 1000), SizeIs(Speculator::kMostAhead));
  EXPECT_THAT(ahead_of(speculator, {5}, 0), IsEmpty());
  EXPECT_THAT(ahead_of(speculator, {5}, -1), IsEmpty());
}

TEST(Speculator, switched_off_it_asks_for_no_guess) {
  int n_asked = 0;
  Speculator speculator = speculator_of(std::make_unique<Counting>(true, &n_asked));
  speculator.begin(Speculation::kOff);
  EXPECT_THAT(ahead_of(speculator, {5}, 8), IsEmpty());
  EXPECT_EQ(n_asked, 0);
}

TEST(Speculator, stops_running_ahead_in_vain_and_resumes_when_guesses_come_true) {
  Speculator speculator = speculator_of(std::make_unique<Counting>());
  speculator.begin(Speculation::kAuto);
  const auto run_step = [&](text::TokenId drawn) {
    const auto n = static_cast<int32_t>(speculator.look_ahead(Tokens{5}, 8).size());
    speculator.ran(n, 1 + 0.2 * n);
    speculator.accept(drawn);
    return n;
  };
  EXPECT_GT(run_step(0), 0);
  for (int i = 0; i < 30; ++i) run_step(0);
  EXPECT_EQ(run_step(0), 0);
  for (int i = 0; i < 60; ++i) run_step(6);  // true, though not run ahead at first
  EXPECT_GT(run_step(6), 0);
}

TEST(Speculator, asks_a_proposer_that_does_not_pay_only_now_and_then) {
  int n_asked = 0;
  Speculator speculator = speculator_of(std::make_unique<Counting>(false, &n_asked));
  speculator.begin(Speculation::kAuto);
  for (int i = 0; i < 5000; ++i) {
    const auto n = static_cast<int32_t>(speculator.look_ahead(Tokens{5}, 8).size());
    speculator.ran(n, 1 + 0.2 * n);
    speculator.accept(0);
  }
  EXPECT_GT(n_asked, 8);
  EXPECT_LT(n_asked, 150);
}

}  // namespace
}  // namespace hearth::engine
