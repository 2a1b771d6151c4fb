// What a benchmark times: which tokens go through a model, in steps of how many rows.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace hearth::lab {

enum class WorkKind { kPrompt, kGeneration };

// A prompt: n_tokens of one sequence after `depth` cached ones, in the largest steps, with the last
// token's logits. A generation: n_tokens steps of one row of each of n_sequences sequences, all
// with logits, from position `depth` on, or 1 where that is 0: a sequence generates after
// something.
struct Workload {
  WorkKind kind = WorkKind::kPrompt;
  int32_t n_tokens = 512;  // of each sequence
  int32_t depth = 0;
  int32_t n_sequences = 1;  // 1 for a prompt

  int32_t begin() const;  // the first timed position
  int32_t end() const { return begin() + n_tokens; }
  int64_t total_tokens() const { return int64_t{n_tokens} * n_sequences; }
  const char* kind_name() const;  // "prompt", "generate"
  std::string label() const;      // "prompt 512", "generate 64", "generate 64 x 8"

  bool operator==(const Workload&) const = default;
};

struct WorkloadLists {
  std::vector<int32_t> prompts = {512};     // 0: none
  std::vector<int32_t> generations = {64};  // 0: none
  std::vector<int32_t> depths = {0};
  std::vector<int32_t> batches = {1};  // sequences, of generations alone
};

// Every combination, by depth: prompts, then generations by batch. kInvalidArgument if there is
// none, or for a number out of range.
Result<std::vector<Workload>> list_workloads(const WorkloadLists& lists);

// Positions that a model must have to run them all, one at a time.
struct CacheNeed {
  int64_t n_ctx = 0;           // of one sequence
  int64_t n_kv_positions = 0;  // of all, in whole KV blocks
};
CacheNeed cache_need(const std::vector<Workload>& works);

// The token of a place in a sequence: arbitrary but fixed, and spread over the vocabulary, so that
// no run of equal tokens makes a step easier than text.
int32_t bench_token(int32_t sequence, int32_t position, int32_t n_vocab);

}  // namespace hearth::lab
