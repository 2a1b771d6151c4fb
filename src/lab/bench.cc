#include "lab/bench.h"

#include <fmt/format.h>

#include "lab/memory_bandwidth.h"
#include "lab/product_rate.h"
#include "lab/step_timer.h"

namespace hearth::lab {
namespace {

std::vector<double> rates_of(const Workload& work, const std::vector<double>& seconds) {
  std::vector<double> rates;
  for (const double s : seconds) rates.push_back(static_cast<double>(work.total_tokens()) / s);
  return rates;
}

// Steps, bytes and multiply-adds of one repeat. A step reads the weights once, whatever its rows;
// of a mixture of experts only those of one row are counted, so that batches read more than this.
void describe_work(const models::Model& model, BenchRow& row) {
  const models::ModelInfo& info = model.info();
  const Workload& work = row.work;
  const bool is_prompt = work.kind == WorkKind::kPrompt;
  const int32_t step_tokens = is_prompt ? model.max_rows() : 1;
  row.n_steps = (work.n_tokens + step_tokens - 1) / step_tokens;
  double kv_bytes = 0;
  for (int32_t step = 0; step < row.n_steps; ++step) {
    const int32_t end = std::min(work.end(), work.begin() + (step + 1) * step_tokens);
    kv_bytes += static_cast<double>(info.kv_bytes_read(end)) * work.n_sequences;
  }
  const auto n_tokens = static_cast<double>(work.total_tokens());
  const double n_heads = is_prompt ? 1 : n_tokens;  // rows whose logits are wanted
  row.bytes_per_token =
      (static_cast<double>(info.weight_bytes_per_token) * row.n_steps + kv_bytes) / n_tokens;
  row.macs_per_token = static_cast<double>(info.layer_macs_per_row) +
                       static_cast<double>(info.head_macs_per_row) * n_heads / n_tokens;
}

// Repeats of one row.
class Race {
 public:
  Race(StepTimer& timer, const BenchOptions& options, BenchRow& row)
      : timer_(timer), options_(options), row_(row) {}

  Result<void> run() {
    TRY(repeat(false));
    for (int32_t i = 0; i < options_.n_repeats; ++i) TRY(repeat(true));
    return {};
  }

 private:
  Result<void> repeat(bool counts) {
    const double ours = TRY(timer_.time(row_.work, options_.is_cancelled));
    const double theirs = TRY(time_peer());
    if (options_.is_cancelled && options_.is_cancelled())
      return fail(ErrorCode::kCancelled, "stopped");
    if (counts) {
      row_.seconds.push_back(ours);
      if (theirs > 0) row_.peer_seconds.push_back(theirs);
    }
    if (options_.on_repeat) options_.on_repeat();
    return {};
  }

  // 0 where there is none, or it failed.
  Result<double> time_peer() {
    if (options_.peer == nullptr || !row_.peer_error.empty()) return 0.0;
    auto seconds = options_.peer->time(row_.work, row_.machine.n_threads);
    if (seconds || seconds.error().code == ErrorCode::kCancelled) return seconds;
    row_.peer_error = seconds.error().message;
    row_.peer_seconds.clear();
    return 0.0;
  }

  StepTimer& timer_;
  const BenchOptions& options_;
  BenchRow& row_;
};

}  // namespace

std::vector<double> BenchRow::rates() const { return rates_of(work, seconds); }
std::vector<double> BenchRow::peer_rates() const { return rates_of(work, peer_seconds); }

std::vector<double> BenchRow::ratios() const {
  std::vector<double> ratios;
  for (size_t i = 0; i < peer_seconds.size(); ++i) ratios.push_back(peer_seconds[i] / seconds[i]);
  return ratios;
}

Result<void> run_bench(models::Model& model, const MachineRates& machine,
                       const std::vector<Workload>& works, const BenchOptions& options,
                       std::vector<BenchRow>& rows) {
  if (options.n_repeats < 1)
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("bench: {} repeats, expected 1 or more", options.n_repeats));
  StepTimer timer(model);
  for (const Workload& work : works) TRY(timer.check_fits(work));
  for (const Workload& work : works) {
    BenchRow row;
    row.work = work;
    row.machine = machine;
    describe_work(model, row);
    auto ran = Race(timer, options, row).run();
    if (!row.seconds.empty()) rows.push_back(std::move(row));
    if (!ran) return ran;
  }
  return {};
}

Result<MachineRates> measure_machine(const models::ModelInfo& info, int n_threads) {
  MachineRates rates;
  rates.n_threads = n_threads;
  rates.read_bytes_per_s = TRY(measure_read_bandwidth(n_threads));
  rates.macs_per_s = TRY(measure_product_rate(info.main_weight_type, n_threads));
  return rates;
}

}  // namespace hearth::lab
