#include "lab/step_timer.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace hearth::lab {
namespace {

using compute::kv_blocks_for;

Result<void> check_cancelled(const IsCancelled& is_cancelled) {
  if (is_cancelled && is_cancelled()) return fail(ErrorCode::kCancelled, "stopped");
  return {};
}

}  // namespace

StepTimer::StepTimer(models::Model& model) : model_(model) {}

Result<void> StepTimer::warm_up(const Workload& work, const IsCancelled& is_cancelled) {
  TRY(make_room(work));
  const int32_t warm = std::max(work.begin(), 1) - 1;
  for (int32_t s = 0; s < work.n_sequences; ++s) TRY(fill(s, warm, is_cancelled));
  return step(warm, work.n_sequences);
}

Result<double> StepTimer::time(const Workload& work, const IsCancelled& is_cancelled) {
  TRY(warm_up(work, is_cancelled));
  const auto start = std::chrono::steady_clock::now();
  TRY(run_work(work, is_cancelled));
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  for (int32_t s = 0; s < work.n_sequences; ++s) {
    int32_t& length = sequences_[static_cast<size_t>(s)].length;
    length = std::max(length, work.end());
  }
  return took.count();
}

Result<std::vector<compute::StepProfile>> StepTimer::profile(const Workload& work,
                                                             const IsCancelled& is_cancelled) {
  TRY(warm_up(work, is_cancelled));
  std::vector<compute::StepProfile> profiles;
  profiles_ = &profiles;
  auto ran = run_work(work, is_cancelled);
  profiles_ = nullptr;
  TRY(std::move(ran));
  return profiles;
}

Result<void> StepTimer::check_fits(const Workload& work) const {
  const int64_t n_needed = int64_t{kv_blocks_for(work.end())} * work.n_sequences;
  if (work.end() > model_.info().n_ctx || n_needed > model_.n_kv_blocks()) {
    return fail(
        ErrorCode::kContextExceeded,
        fmt::format("{} at depth {} needs {} positions of {} sequence(s), the context holds "
                    "{}, the cache {} in all",
                    work.label(), work.depth, work.end(), work.n_sequences, model_.info().n_ctx,
                    model_.info().n_kv_positions));
  }
  if (work.n_sequences > model_.max_rows()) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("{} sequences, at most {} fit a step",
                                                         work.n_sequences, model_.max_rows()));
  }
  return {};
}

Result<void> StepTimer::make_room(const Workload& work) {
  TRY(check_fits(work));
  sequences_.resize(std::max(sequences_.size(), static_cast<size_t>(work.n_sequences)));
  int64_t n_missing = 0;
  const auto used = std::span(sequences_).first(static_cast<size_t>(work.n_sequences));
  for (const Cached& one : used)
    n_missing += std::max<int64_t>(0, kv_blocks_for(work.end()) - std::ssize(one.blocks));
  if (n_used_blocks_ + n_missing > model_.n_kv_blocks()) {
    for (Cached& one : sequences_) one = {};
    n_used_blocks_ = 0;
  }
  for (Cached& one : used) {
    while (std::ssize(one.blocks) < kv_blocks_for(work.end()))
      one.blocks.push_back(n_used_blocks_++);
  }
  tables_.assign(sequences_.size(), {});
  for (size_t s = 0; s < sequences_.size(); ++s) tables_[s] = sequences_[s].blocks;
  return {};
}

Result<void> StepTimer::fill(int32_t sequence, int32_t length, const IsCancelled& is_cancelled) {
  int32_t& cached = sequences_[static_cast<size_t>(sequence)].length;
  while (cached < length) {
    TRY(check_cancelled(is_cancelled));
    const int32_t end = std::min(length, cached + model_.max_rows());
    rows_.clear();
    for (int32_t p = cached; p < end; ++p) add_row(sequence, p, false);
    TRY(run_rows());
    cached = end;
  }
  return {};
}

Result<void> StepTimer::run_work(const Workload& work, const IsCancelled& is_cancelled) {
  if (work.kind == WorkKind::kGeneration) {
    for (int32_t p = work.begin(); p < work.end(); ++p) {
      TRY(check_cancelled(is_cancelled));
      TRY(step(p, work.n_sequences));
    }
    return {};
  }
  for (int32_t begin = work.begin(); begin < work.end(); begin += model_.max_rows()) {
    TRY(check_cancelled(is_cancelled));
    const int32_t end = std::min(work.end(), begin + model_.max_rows());
    rows_.clear();
    for (int32_t p = begin; p < end; ++p) add_row(0, p, p + 1 == work.end());
    TRY(run_rows());
  }
  return {};
}

Result<void> StepTimer::step(int32_t position, int32_t n_sequences) {
  rows_.clear();
  for (int32_t s = 0; s < n_sequences; ++s) add_row(s, position, true);
  return run_rows();
}

void StepTimer::add_row(int32_t sequence, int32_t position, bool wants_logits) {
  const int32_t token = bench_token(sequence, position, model_.info().n_vocab);
  rows_.push_back({token, position, sequence, wants_logits});
}

Result<void> StepTimer::run_rows() {
  const auto n_wanted =
      static_cast<size_t>(std::ranges::count_if(rows_, &compute::Row::wants_logits));
  logits_.resize(n_wanted * static_cast<size_t>(model_.info().n_vocab));
  if (profiles_ == nullptr) return model_.run({rows_, tables_}, logits_);
  profiles_->push_back(TRY(model_.profile({rows_, tables_}, logits_)));
  return {};
}

}  // namespace hearth::lab
