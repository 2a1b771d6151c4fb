// Which rows a step of the scheduler runs.
#include <algorithm>
#include <optional>
#include <span>
#include <vector>

#include "base/check.h"
#include "compute/batch.h"
#include "engine/scheduler_job.h"

namespace hearth::engine {

using compute::kKvBlockTokens;

// A row of every answer, with room for it, if need be at the cost of those admitted last.
void Scheduler::share_answers() {
  for (size_t i = 0; i < running_.size(); ++i) {
    Job& job = *running_[i];
    if (!job.is_answering()) continue;
    const int32_t n_tokens = job.sequence.n_tokens();
    while (i < running_.size() && !make_room(job, n_tokens)) preempt_last();
    if (i < running_.size()) shares_.push_back({&job, n_tokens - 1, n_tokens, n_tokens - 1});
  }
}

// False if it takes blocks of running requests.
bool Scheduler::make_room(Job& job, int32_t n_positions) {
  prefixes_.evict(job.sequence.n_missing_blocks(n_positions) - blocks_.n_free());
  return job.sequence.reserve(n_positions).has_value();
}

// Prompts, and what was lost of answers: the rows that are left go to the client whose turn it is
// and its first request, then to the next client's.
void Scheduler::share_prompts() {
  std::vector<Job*> waiting;
  for (const auto& job : running_) {
    if (!job->is_answering()) waiting.push_back(job.get());
  }
  const auto n_answers = static_cast<int32_t>(shares_.size());
  int32_t n_left = model_.max_rows() - n_answers;
  if (n_answers > 0) n_left = std::min(n_left, options_.prompt_chunk);
  int32_t n_scored_left = options_.scored_chunk;
  while (n_left > 0 && !waiting.empty()) {
    const auto next = std::ranges::min_element(
        waiting, {}, [this](const Job* job) { return prompts_.place(job->request.client); });
    Job& job = **next;
    waiting.erase(next);
    find_prefix(job);
    if (is_about_to_be_found(job)) continue;
    report_cached(job);
    const Share share = share_of_prompt(job, n_left, n_scored_left);
    if (share.n_rows() == 0) continue;
    n_left -= share.n_rows();
    if (!job.is_scored()) n_scored_left -= share.n_wanted();
    prompts_.took(job.request.client);
    shares_.push_back(share);
  }
}

Scheduler::Share Scheduler::share_of_prompt(Job& job, int32_t most_rows, int32_t most_scored) {
  const int32_t from = job.sequence.cached_len();
  const int32_t wants_from = job.wants_from();
  int32_t to = from + std::min(most_rows, job.n_uncached());
  if (!job.is_scored()) to = std::min(to, wants_from + most_scored);
  return {&job, from, to, wants_from};
}

// Takes blocks that others have run from the tree; gives where the prompt parts from what is there.
std::optional<int32_t> Scheduler::find_prefix(Job& job) {
  Sequence& sequence = job.sequence;
  PrefixTree::Match match = prefixes_.find(job.request.tenant, sequence.tokens());
  const auto most_blocks = static_cast<size_t>(job.wants_from() / kKvBlockTokens);
  if (match.blocks.size() > most_blocks) match.blocks.resize(most_blocks);
  const auto n_found = static_cast<int32_t>(match.blocks.size()) * kKvBlockTokens;
  if (n_found > sequence.cached_len()) sequence.share(match.blocks);
  return match.diverged_at;
}

// Another request, which is further on, runs the next block of the same prompt: once that is done
// it is found, so that it is run once however many wait for it.
bool Scheduler::is_about_to_be_found(const Job& job) const {
  const int32_t end = (job.sequence.cached_len() / kKvBlockTokens + 1) * kKvBlockTokens;
  if (end > job.wants_from()) return false;
  const std::span<const TokenId> wanted = job.sequence.tokens().first(static_cast<size_t>(end));
  return std::ranges::any_of(running_, [&](const auto& other) {
    if (other->n_prompt() < end || other->is_answering()) return false;
    const auto share = std::ranges::find(shares_, other.get(), &Share::job);
    const int32_t reach = share != shares_.end() ? share->to : other->sequence.cached_len();
    return reach > job.sequence.cached_len() && other->request.tenant == job.request.tenant &&
           std::ranges::equal(wanted, other->sequence.tokens().first(wanted.size()));
  });
}

// Before the rows of a prompt are run.
void Scheduler::report_cached(Job& job) {
  const int32_t n_cached = std::min(job.sequence.cached_len(), job.n_prompt());
  if (n_cached > job.n_seen) {
    job.stats.n_cached += n_cached - job.n_seen;
    job.n_seen = n_cached;
  }
  report_prompt(job, n_cached);
}

void Scheduler::run_shares() {
  if (shares_.empty()) return;
  if (run(shares_)) {
    int32_t logits_row = 0;
    for (const Share& share : shares_) {
      settle(share, logits_row);
      logits_row += share.n_wanted();
    }
    return;
  }
  // Whose error it was shows when each runs by itself, which gives the same bits.
  for (const Share& share : shares_) {
    if (const auto done = run({&share, 1})) {
      settle(share, 0);
    } else {
      end_with(*share.job, done.error());
    }
  }
}

Result<void> Scheduler::run(std::span<const Share> shares) {
  std::vector<StepPart> parts;
  for (const Share& share : shares) {
    parts.push_back({share.job->sequence, share.to, share.wants_from});
  }
  return steps_.run(parts);
}

}  // namespace hearth::engine
