// Prompt and generation speed of a loaded model, alone or in turns with llama.cpp.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "lab/peer.h"
#include "lab/statistics.h"
#include "lab/workload.h"
#include "models/model.h"

namespace hearth::lab {

// What this machine gives at most, measured in the run that it is compared with.
struct MachineRates {
  int n_threads = 0;
  double read_bytes_per_s = 0;       // memory_bandwidth.h
  std::optional<double> macs_per_s;  // product_rate.h, of the model's main weight type
};

// One workload's figures. Rates are tokens a second of all sequences together.
struct BenchRow {
  Workload work;
  MachineRates machine;
  std::vector<double> seconds;  // of each repeat
  std::vector<double>
      peer_seconds;            // of the same repeats; empty without a peer, or where it failed
  std::string peer_error;      // why it gave no figure; empty if it did or there is none
  int32_t n_steps = 0;         // of a repeat
  double bytes_per_token = 0;  // weights and KV that a repeat reads, per token
  double macs_per_token = 0;   // with weights, attention's own not among them

  std::vector<double> rates() const;
  std::vector<double> peer_rates() const;
  std::vector<double> ratios() const;  // ours over the peer's, repeat by repeat
};

struct BenchOptions {
  int32_t n_repeats = 5;
  Peer* peer = nullptr;                  // lives as long as the run
  std::function<void()> on_repeat = {};  // after each, untimed ones too: see n_bench_repeats()
  std::function<bool()> is_cancelled = {};
};

// One untimed repeat of each workload, then n_repeats, each first ours, then the peer's, so that
// what the machine does meanwhile meets both; neither runs while the other is timed. A peer that
// fails leaves its reason in the row and is asked again for the next one.
//
// Rows are added to `rows` as they are finished. When kCancelled is returned, the last one may have
// fewer repeats; one without any is not added.
Result<void> run_bench(models::Model& model, const MachineRates& machine,
                       const std::vector<Workload>& works, const BenchOptions& options,
                       std::vector<BenchRow>& rows);

inline int64_t n_bench_repeats(size_t n_works, int32_t n_repeats) {
  return static_cast<int64_t>(n_works) * (n_repeats + 1);
}

// Bandwidth and product rate of n_threads threads.
Result<MachineRates> measure_machine(const models::ModelInfo& info, int n_threads);

}  // namespace hearth::lab
