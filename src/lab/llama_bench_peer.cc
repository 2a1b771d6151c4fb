// llama.cpp through its own llama-bench: one process a repeat, which loads the file, warms up and
// times itself.
#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "lab/peer.h"

namespace hearth::lab {
namespace {

using Json = nlohmann::json;

class LlamaBenchPeer final : public Peer {
 public:
  explicit LlamaBenchPeer(PeerOptions options) : options_(std::move(options)) {}

  // Only that the program is there: its version comes with the first figures.
  Result<void> check() {
    const auto child = TRY(ChildProcess::start({options_.program, "--help"}));
    TRY(child->read_to_end(options_.patience));
    return {};
  }

  const std::string& version() const override { return version_; }

  Result<double> time(const Workload& work, int n_threads) override {
    if (work.n_sequences > 1) {
      return fail(ErrorCode::kUnsupported,
                  "llama-bench cannot generate several sequences together: name a Python "
                  "interpreter that has llama_cpp with --peer");
    }
    auto seconds = time_or_fail(work, n_threads);
    if (!seconds) return fail_at(version_, std::move(seconds).error());
    return seconds;
  }

 private:
  Result<double> time_or_fail(const Workload& work, int n_threads) {
    const bool is_prompt = work.kind == WorkKind::kPrompt;
    const auto child = TRY(ChildProcess::start({options_.program,
                                                "-m",
                                                options_.model_path,
                                                "-p",
                                                count(is_prompt ? work.n_tokens : 0),
                                                "-n",
                                                count(is_prompt ? 0 : work.n_tokens),
                                                "-d",
                                                count(work.depth),
                                                "-t",
                                                count(n_threads),
                                                "-ctk",
                                                options_.kv_type,
                                                "-ctv",
                                                options_.kv_type,
                                                "-ngl",
                                                "0",
                                                "-r",
                                                "1",
                                                "-o",
                                                "json"}));
    const std::string text = TRY(child->read_to_end(options_.patience));
    const Json json = Json::parse(text, nullptr, false);
    if (!json.is_array() || json.size() != 1 || !json[0].is_object())
      return fail(ErrorCode::kIo, fmt::format("it printed '{}'", text.substr(0, 80)));
    const Json& row = json[0];
    if (const auto commit = row.find("build_commit"); commit != row.end() && commit->is_string())
      version_ = fmt::format("llama-bench {}", commit->get<std::string>());
    const auto rate = row.find("avg_ts");
    const double tokens_per_s = rate != row.end() && rate->is_number() ? rate->get<double>() : 0;
    if (!std::isfinite(tokens_per_s) || tokens_per_s <= 0)
      return fail(ErrorCode::kIo, "its JSON has no 'avg_ts' above 0");
    return static_cast<double>(work.n_tokens) / tokens_per_s;
  }

  static std::string count(int n) { return fmt::format("{}", n); }

  PeerOptions options_;
  std::string version_ = "llama-bench";
};

}  // namespace

Result<std::unique_ptr<Peer>> open_llama_bench_peer(const PeerOptions& options) {
  auto peer = std::make_unique<LlamaBenchPeer>(options);
  if (auto found = peer->check(); !found) return fail_at(options.program, std::move(found).error());
  return peer;
}

}  // namespace hearth::lab
