#include "lab/workload.h"

#include <fmt/format.h>

#include <algorithm>

#include "compute/batch.h"

namespace hearth::lab {
namespace {

constexpr int32_t kMostTokens = 1 << 24;
constexpr int32_t kMostSequences = 512;  // rows of the largest step

Result<void> check_range(const char* what, const std::vector<int32_t>& values, int32_t least,
                         int32_t most) {
  for (const int32_t value : values) {
    if (value < least || value > most) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("{}: {} is out of range [{}, {}]", what, value, least, most));
    }
  }
  return {};
}

}  // namespace

int32_t Workload::begin() const { return kind == WorkKind::kPrompt ? depth : std::max(depth, 1); }

const char* Workload::kind_name() const {
  return kind == WorkKind::kPrompt ? "prompt" : "generate";
}

std::string Workload::label() const {
  std::string text = fmt::format("{} {}", kind_name(), n_tokens);
  if (n_sequences > 1) text += fmt::format(" x {}", n_sequences);
  return text;
}

Result<std::vector<Workload>> list_workloads(const WorkloadLists& lists) {
  TRY(check_range("prompt tokens", lists.prompts, 0, kMostTokens));
  TRY(check_range("generated tokens", lists.generations, 0, kMostTokens));
  TRY(check_range("depth", lists.depths, 0, kMostTokens));
  TRY(check_range("sequences", lists.batches, 1, kMostSequences));
  std::vector<Workload> works;
  for (const int32_t depth : lists.depths) {
    for (const int32_t n : lists.prompts) {
      if (n > 0) works.push_back({WorkKind::kPrompt, n, depth, 1});
    }
    for (const int32_t n : lists.generations) {
      for (const int32_t n_sequences : lists.batches) {
        if (n > 0) works.push_back({WorkKind::kGeneration, n, depth, n_sequences});
      }
    }
  }
  if (works.empty()) {
    return fail(ErrorCode::kInvalidArgument,
                "nothing to time: no prompt tokens and no generated ones");
  }
  return works;
}

CacheNeed cache_need(const std::vector<Workload>& works) {
  CacheNeed need;
  for (const Workload& work : works) {
    const int64_t blocks = compute::kv_blocks_for<int64_t>(work.end());
    need.n_ctx = std::max<int64_t>(need.n_ctx, work.end());
    need.n_kv_positions =
        std::max(need.n_kv_positions, blocks * compute::kKvBlockTokens * work.n_sequences);
  }
  return need;
}

int32_t bench_token(int32_t sequence, int32_t position, int32_t n_vocab) {
  return static_cast<int32_t>((int64_t{position} * 7919 + int64_t{sequence} * 104729 + 101) %
                              n_vocab);
}

}  // namespace hearth::lab
