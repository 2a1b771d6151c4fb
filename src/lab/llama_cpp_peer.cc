// llama.cpp through a Python interpreter that has llama_cpp, which runs our driver.
#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "lab/llama_cpp_driver.h"
#include "lab/peer.h"

namespace hearth::lab {
namespace {

using Json = nlohmann::json;

class LlamaCppPeer final : public Peer {
 public:
  explicit LlamaCppPeer(PeerOptions options) : options_(std::move(options)) {}

  Result<void> start() {
    is_loaded_ = false;
    child_ = TRY(ChildProcess::start({options_.program, "-c", kLlamaCppDriver}));
    const Json answer = TRY(read_answer());
    const auto version = answer.find("version");
    if (version == answer.end() || !version->is_string()) return unexpected(answer);
    version_ = version->get<std::string>();
    return {};
  }

  const std::string& version() const override { return version_; }

  Result<double> time(const Workload& work, int n_threads) override {
    auto seconds = time_or_fail(work, n_threads);
    if (!seconds) {
      child_.reset();
      return fail_at(version_, std::move(seconds).error());
    }
    return seconds;
  }

 private:
  Result<double> time_or_fail(const Workload& work, int n_threads) {
    if (child_ == nullptr) TRY(start());
    if (!is_loaded_) TRY(load());
    Json ask = {{"n", work.n_tokens}, {"depth", work.depth}, {"threads", n_threads}};
    ask["do"] = work.kind == WorkKind::kPrompt ? "prompt"
                : work.n_sequences > 1         ? "batch"
                                               : "generate";
    if (work.n_sequences > 1) ask["sequences"] = work.n_sequences;
    const Json answer = TRY(this->ask(ask));
    const auto seconds = answer.find("seconds");
    if (seconds == answer.end() || !seconds->is_number()) return unexpected(answer);
    const double value = seconds->get<double>();
    if (!std::isfinite(value) || value <= 0) return unexpected(answer);
    if (!child_->wait_until_asleep())
      return fail(ErrorCode::kIo, "it keeps the processor busy after its answer");
    return value;
  }

  Result<void> load() {
    const Json answer =
        TRY(ask({{"do", "load"}, {"model", options_.model_path}, {"kv", options_.kv_type}}));
    if (!answer.contains("loaded")) return unexpected(answer);
    is_loaded_ = true;
    return {};
  }

  Result<Json> ask(const Json& question) {
    TRY(child_->write_line(question.dump(-1, ' ', true, Json::error_handler_t::replace)));
    Json answer = TRY(read_answer());
    const auto error = answer.find("error");
    if (error != answer.end() && error->is_string())
      return fail(ErrorCode::kIo, error->get<std::string>());
    return answer;
  }

  Result<Json> read_answer() {
    const std::string line = TRY(child_->read_line(options_.patience));
    Json answer = Json::parse(line, nullptr, false);
    if (!answer.is_object())
      return fail(ErrorCode::kIo, fmt::format("it answered '{}'", line.substr(0, 80)));
    return answer;
  }

  static std::unexpected<Error> unexpected(const Json& answer) {
    return fail(
        ErrorCode::kIo,
        fmt::format("it answered '{}'",
                    answer.dump(-1, ' ', true, Json::error_handler_t::replace).substr(0, 80)));
  }

  PeerOptions options_;
  std::unique_ptr<ChildProcess> child_;  // null: to be started
  bool is_loaded_ = false;
  std::string version_;
};

}  // namespace

Result<std::unique_ptr<Peer>> open_llama_cpp_peer(const PeerOptions& options) {
  auto peer = std::make_unique<LlamaCppPeer>(options);
  if (auto started = peer->start(); !started)
    return fail_at(options.program, std::move(started).error());
  return peer;
}

}  // namespace hearth::lab
