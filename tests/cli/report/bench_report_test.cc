#include "cli/report/bench_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hearth::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

lab::BenchRow row_of(const lab::Workload& work, std::vector<double> seconds) {
  lab::BenchRow row;
  row.work = work;
  row.machine = {.n_threads = 2, .read_bytes_per_s = 1e10, .macs_per_s = 2e11};
  row.seconds = std::move(seconds);
  row.n_steps = work.kind == lab::WorkKind::kPrompt ? 1 : work.n_tokens;
  row.bytes_per_token = 1e8;
  row.macs_per_token = 1e9;
  return row;
}

BenchReport some_report() {
  BenchReport report;
  report.model = "tiny,\"quoted\"";
  report.backend = "CPU";
  report.weight_type = "Q4_1";
  report.peer = "llama-cpp-python 9";
  report.load_average = 0;
  report.rows = {row_of({lab::WorkKind::kPrompt, 100, 0, 1}, {1, 1.02, 1.01}),
                 row_of({lab::WorkKind::kGeneration, 10, 0, 1}, {0.2, 0.25, 0.4}),
                 row_of({lab::WorkKind::kGeneration, 10, 0, 4}, {0.5, 0.5, 0.5})};
  report.rows[0].peer_seconds = {2, 2.04, 4.04};
  report.rows[1].peer_seconds = {0.4, 0.5, 0.8};
  report.rows[2].peer_error = "it\nended";
  return report;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t at = 0; at < text.size(); at = text.find('\n', at) + 1)
    lines.push_back(text.substr(at, text.find('\n', at) - at));
  return lines;
}

TEST(BenchReport, json_has_the_medians_of_the_first_rows_and_every_sample_of_all) {
  const auto json = bench_json(some_report());
  EXPECT_DOUBLE_EQ(json["prompt_tokens_per_s"].get<double>(), 100 / 1.01);
  EXPECT_DOUBLE_EQ(json["generation_tokens_per_s"].get<double>(), 40);
  EXPECT_DOUBLE_EQ(json["generation_bytes_per_s"].get<double>(), 4e9);
  EXPECT_EQ(json["prompt_tokens"], 100);
  EXPECT_EQ(json["generated_tokens"], 10);
  ASSERT_EQ(json["samples"].size(), 3u);
  EXPECT_EQ(json["samples"][0]["prompt_tokens_per_s"], 100);
  EXPECT_EQ(json["samples"][0]["generation_tokens_per_s"], 50);
  ASSERT_EQ(json["rows"].size(), 3u);
  const auto& first = json["rows"][0];
  EXPECT_EQ(first["tokens_per_s"]["samples"].size(), 3u);
  EXPECT_DOUBLE_EQ(first["of_product_rate"].get<double>(), 1e9 * 100 / 1.01 / 2e11);
  EXPECT_THAT(first["peer"]["ratio"]["samples"].get<std::vector<double>>(), ElementsAre(2, 2, 4));
  EXPECT_EQ(first["peer"]["ratio"]["most"], 4);
  const auto& batch = json["rows"][2];
  EXPECT_EQ(batch["sequences"], 4);
  EXPECT_EQ(batch["tokens_per_s"]["median"], 80);
  EXPECT_EQ(batch["ms_per_step"], 50);
  EXPECT_EQ(batch["of_read_bandwidth"], 0.8);
  EXPECT_EQ(batch["peer"]["error"], "it\nended");
}

TEST(BenchReport, json_without_one_kind_or_a_peer_has_zeros_and_no_peer) {
  BenchReport report = some_report();
  report.peer = "";
  report.rows.erase(report.rows.begin());
  report.rows[0].peer_seconds.clear();
  const auto json = bench_json(report);
  EXPECT_EQ(json["prompt_tokens_per_s"], 0);
  EXPECT_EQ(json["samples"][0]["prompt_tokens_per_s"], 0);
  EXPECT_FALSE(json.contains("peer"));
  EXPECT_FALSE(json["rows"][0].contains("peer"));
}

TEST(BenchReport, csv_has_as_many_cells_in_each_line_as_in_its_head) {
  const std::string csv = bench_csv(some_report());
  const auto lines = lines_of(csv);
  ASSERT_EQ(lines.size(), 5u);  // the last cell has an end of line in it
  const auto n_commas = std::ranges::count(lines[0], ',');
  EXPECT_EQ(std::ranges::count(lines[1], ','), n_commas + 1);  // and the first a comma
  EXPECT_EQ(std::ranges::count(lines[3], ','), n_commas + 1);
  EXPECT_TRUE(
      lines[1].starts_with("\"tiny,\"\"quoted\"\"\",prompt,100,1,0,2,3,99.0099,98.0392,100,"));
  EXPECT_TRUE(lines[3].ends_with(",\"it"));
  EXPECT_EQ(lines[4], "ended\"");
}

TEST(BenchReport, table_has_a_line_a_row_with_the_fractions_that_bound_it) {
  const auto lines = lines_of(bench_table(some_report()));
  ASSERT_EQ(lines.size(), 7u);
  EXPECT_THAT(lines[1], HasSubstr("2 threads read 10.0 GB/s, the Q4_1 kernel reaches 200 GMAC/s"));
  EXPECT_THAT(lines[2], HasSubstr("llama-cpp-python 9"));
  EXPECT_THAT(lines[4], testing::ContainsRegex(
                            "^prompt 100 .* 99\\.01 .* 50% .* 2\\.00 +2\\.00\\.\\.4\\.00$"));
  EXPECT_THAT(lines[5],
              testing::ContainsRegex("^generate 10 .* 40\\.00 .* 25\\.00 +100\\.0 +4\\.0 +40% "));
  EXPECT_THAT(lines[6], testing::ContainsRegex("^generate 10 x 4 .* 80\\.00 .* failed "));
  for (size_t i = 4; i < 7; ++i) EXPECT_EQ(lines[i].size(), lines[3].size());
}

TEST(BenchReport, noise_load_and_a_failed_peer_are_said_in_words) {
  BenchReport report = some_report();
  report.load_average = 2.5;
  const auto warnings = bench_warnings(report);
  ASSERT_EQ(warnings.size(), 3u);
  EXPECT_THAT(warnings[0], HasSubstr("load average was 2.50"));
  EXPECT_THAT(warnings[1],
              HasSubstr("llama.cpp's prompt 100 at depth 0 (52%), generate 10 at depth 0 (62%)"));
  EXPECT_THAT(warnings[1], Not(HasSubstr("generate 10 x 4")));
  EXPECT_THAT(warnings[2], HasSubstr("generate 10 x 4 at depth 0: no figure of the peer: it"));
  report.load_average = 0;
  report.rows = {report.rows[0]};
  report.rows[0].peer_seconds.clear();
  EXPECT_THAT(bench_warnings(report), IsEmpty());
}

TEST(BenchReport, svg_has_a_bar_for_each_engine) {
  const std::string svg = bench_svg(some_report());
  for (const char* word :
       {"prompt 100", "generate 10 x 4", "llama.cpp (llama-cpp-python 9)", ">2.0x<"})
    EXPECT_THAT(svg, HasSubstr(word));
}

}  // namespace
}  // namespace hearth::cli
