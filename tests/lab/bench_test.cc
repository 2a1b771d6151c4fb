#include "lab/bench.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "tests/lab/tiny_model.h"

namespace hearth::lab {
namespace {

using testing::ElementsAre;

// A peer that answers from a list; after it, with an error.
class ListedPeer final : public Peer {
 public:
  explicit ListedPeer(std::deque<double> seconds) : seconds_(std::move(seconds)) {}
  const std::string& version() const override { return version_; }
  Result<double> time(const Workload& work, int n_threads) override {
    asked.push_back(work);
    EXPECT_EQ(n_threads, 2);
    if (seconds_.empty()) return fail(ErrorCode::kIo, "it ended");
    const double next = seconds_.front();
    seconds_.pop_front();
    return next;
  }
  std::vector<Workload> asked;

 private:
  std::deque<double> seconds_;
  std::string version_ = "a list";
};

const MachineRates kMachine = {.n_threads = 2, .read_bytes_per_s = 1e9, .macs_per_s = 1e9};
const Workload kPrompt = {WorkKind::kPrompt, 8, 0, 1};
const Workload kGenerate = {WorkKind::kGeneration, 2, 0, 1};

TEST(Bench, the_first_repeat_of_each_row_is_not_counted) {
  TinyModel model("llama", {.n_ctx = 96});
  ListedPeer peer({99, 1, 2, 99, 3, 4});
  int n_repeats = 0;
  std::vector<BenchRow> rows;
  ASSERT_TRUE(run_bench(*model, kMachine, {kPrompt, kGenerate},
                        {.n_repeats = 2, .peer = &peer, .on_repeat = [&] { ++n_repeats; }}, rows));
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].seconds.size(), 2u);
  EXPECT_THAT(rows[0].peer_seconds, ElementsAre(1, 2));
  EXPECT_THAT(rows[1].peer_seconds, ElementsAre(3, 4));
  EXPECT_EQ(n_repeats, n_bench_repeats(2, 2));
  EXPECT_THAT(peer.asked, ElementsAre(kPrompt, kPrompt, kPrompt, kGenerate, kGenerate, kGenerate));
}

TEST(Bench, ratios_are_those_of_the_same_repeat) {
  BenchRow row;
  row.work = kPrompt;
  row.seconds = {1, 2};
  row.peer_seconds = {4, 3};
  EXPECT_THAT(row.rates(), ElementsAre(8, 4));
  EXPECT_THAT(row.peer_rates(), ElementsAre(2, 8.0 / 3));
  EXPECT_THAT(row.ratios(), ElementsAre(4, 1.5));
}

TEST(Bench, a_peer_that_fails_loses_its_row_and_is_asked_again_for_the_next) {
  TinyModel model("llama", {.n_ctx = 96});
  ListedPeer peer({99, 1});
  std::vector<BenchRow> rows;
  ASSERT_TRUE(
      run_bench(*model, kMachine, {kPrompt, kGenerate}, {.n_repeats = 3, .peer = &peer}, rows));
  ASSERT_EQ(rows.size(), 2u);
  for (const BenchRow& row : rows) {
    EXPECT_EQ(row.seconds.size(), 3u);
    EXPECT_TRUE(row.peer_seconds.empty());
    EXPECT_EQ(row.peer_error, "it ended");
  }
  EXPECT_THAT(peer.asked, ElementsAre(kPrompt, kPrompt, kPrompt, kGenerate));
}

TEST(Bench, a_stop_keeps_what_was_measured) {
  TinyModel model("llama", {.n_ctx = 96});
  int n_repeats = 0;
  std::vector<BenchRow> rows;
  // The untimed repeat and three timed ones of the first row, then two of the second.
  const auto ran = run_bench(*model, kMachine, {kPrompt, kGenerate, kPrompt},
                             {.n_repeats = 3,
                              .on_repeat = [&] { ++n_repeats; },
                              .is_cancelled = [&] { return n_repeats == 6; }},
                             rows);
  ASSERT_FALSE(ran);
  EXPECT_EQ(ran.error().code, ErrorCode::kCancelled);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].seconds.size(), 3u);
  EXPECT_EQ(rows[1].seconds.size(), 1u);
}

TEST(Bench, work_that_does_not_fit_is_refused_before_any_is_timed) {
  TinyModel model("llama", {.n_ctx = 96});
  std::vector<BenchRow> rows;
  const auto ran = run_bench(*model, kMachine, {kPrompt, {WorkKind::kPrompt, 97, 0, 1}}, {}, rows);
  ASSERT_FALSE(ran);
  EXPECT_EQ(ran.error().code, ErrorCode::kContextExceeded);
  EXPECT_TRUE(rows.empty());
}

TEST(Bench, bytes_and_products_of_a_token_are_those_of_the_shapes) {
  TinyModel model("llama", {.n_ctx = 96, .n_kv_positions = 4 * 64});
  const models::ModelInfo& info = model->info();
  // Two layers of q, o (32 x 64 each), k, v (32 x 32), gate, up, down (32 x 64 each).
  const uint64_t layer_macs = 2 * (2 * 32 * 64 + 2 * 32 * 32 + 3 * 32 * 64);
  EXPECT_EQ(info.layer_macs_per_row, layer_macs);
  EXPECT_EQ(info.head_macs_per_row, 32u * 128);
  std::vector<BenchRow> rows;
  ASSERT_TRUE(run_bench(*model, kMachine, {kPrompt, {WorkKind::kGeneration, 2, 10, 4}},
                        {.n_repeats = 1}, rows));
  EXPECT_DOUBLE_EQ(rows[0].macs_per_token, static_cast<double>(layer_macs) + 32 * 128 / 8.0);
  EXPECT_EQ(rows[0].n_steps, 1);
  EXPECT_DOUBLE_EQ(rows[1].macs_per_token, static_cast<double>(layer_macs) + 32 * 128);
  EXPECT_EQ(rows[1].n_steps, 2);
  // Two steps read the weights twice, and of four sequences 11, then 12 positions.
  EXPECT_DOUBLE_EQ(rows[1].bytes_per_token,
                   (2.0 * static_cast<double>(info.weight_bytes_per_token) +
                    4.0 * 23 * static_cast<double>(info.kv_bytes_per_position)) /
                       8);
}

TEST(Bench, a_layer_with_a_window_reads_no_more_than_the_window) {
  TinyModel model("gemma3", {.n_ctx = 96});
  const models::ModelInfo& info = model->info();
  const uint64_t of_a_layer = info.kv_bytes_per_position / 6;
  EXPECT_EQ(info.kv_bytes_read(10), 60 * of_a_layer);
  EXPECT_EQ(info.kv_bytes_read(96), (2 * 96 + 4 * 16) * of_a_layer);
}

}  // namespace
}  // namespace hearth::lab
