#include "engine/scheduler.h"

#include <fmt/format.h>

#include <map>

#include "base/check.h"
#include "engine/scheduler_job.h"

namespace hearth::engine {
namespace {

Result<void> check_option(const char* name, int32_t value, int32_t least, int32_t most) {
  if (value >= least && value <= most) return {};
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("{}: {} is out of range [{}, {}]", name, value, least, most));
}

}  // namespace

Result<std::unique_ptr<Scheduler>> Scheduler::create(models::Model& model,
                                                     const text::Tokenizer& tokenizer,
                                                     const SchedulerOptions& options) {
  TRY(check_option("max_running", options.max_running, 1, model.max_rows()));
  TRY(check_option("max_queued", options.max_queued, 1, 1 << 20));
  TRY(check_option("prompt_chunk", options.prompt_chunk, 1, 1 << 20));
  TRY(check_option("scored_chunk", options.scored_chunk, 1, 1 << 20));
  return std::unique_ptr<Scheduler>(new Scheduler(model, tokenizer, options));
}

Scheduler::Scheduler(models::Model& model, const text::Tokenizer& tokenizer,
                     const SchedulerOptions& options)
    : model_(model),
      tokenizer_(tokenizer),
      options_(options),
      max_len_(std::min(model.info().n_ctx, model.info().n_kv_positions)),
      blocks_(model.n_kv_blocks()),
      prefixes_(blocks_),
      steps_(model, tokenizer.n_tokens()) {}

Scheduler::~Scheduler() = default;

Result<RequestId> Scheduler::submit(Request request) {
  if (queued_.size() >= static_cast<size_t>(options_.max_queued)) {
    return fail(ErrorCode::kLimitExceeded,
                fmt::format("{} requests run and {} wait, as many as may; try again later",
                            n_running(), queued_.size()));
  }
  const int32_t n_vocab = model_.info().n_vocab;
  for (const TokenId token : request.prompt) {
    if (token >= 0 && token < n_vocab) continue;
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("the prompt has token {}, the model's are 0 to {}", token, n_vocab - 1));
  }
  AnswerWriter writer =
      TRY(AnswerWriter::create({tokenizer_, n_vocab, max_len_}, request.prompt, request.options));
  auto job =
      std::make_unique<Job>(++last_id_, std::move(request), std::move(writer), blocks_, max_len_);
  job->stats.seed = job->writer.seed();
  job->stats.n_prompt = job->n_prompt();
  TRY(job->sequence.set_tokens(job->request.prompt));
  admissions_.join(job->request.client);
  prompts_.join(job->request.client);
  queued_.push_back(std::move(job));
  return last_id_;
}

bool Scheduler::cancel(RequestId id) {
  for (Jobs* jobs : {&running_, &preempted_, &queued_}) {
    for (const auto& job : *jobs) {
      if (job->id != id || job->is_over) continue;
      job->is_cancelled = true;
      return true;
    }
  }
  return false;
}

void Scheduler::step() {
  end_cancelled();
  shares_.clear();
  share_answers();
  admit_waiting();
  share_prompts();
  run_shares();
  drop_ended();
}

void Scheduler::end_cancelled() {
  // Callbacks may add to the queue, which moves no job that is in it.
  for (Jobs* jobs : {&running_, &preempted_, &queued_}) {
    for (size_t i = 0; i < jobs->size(); ++i) {
      Job& job = *(*jobs)[i];
      if (!job.is_cancelled) continue;
      finish(job, job.writer.finish(DoneReason::kCancelled, job.request.callbacks.on_piece));
    }
  }
  drop_ended();
}

void Scheduler::drop_ended() {
  // They go when the lists are whole again: what their callbacks hold may call submit() or cancel()
  // as it goes.
  std::vector<std::unique_ptr<Job>> ended;
  for (Jobs* jobs : {&running_, &preempted_, &queued_}) {
    for (std::unique_ptr<Job>& job : *jobs) {
      if (job->is_over) ended.push_back(std::move(job));
    }
    std::erase(*jobs, nullptr);
  }
}

void Scheduler::admit_waiting() {
  while (n_running() < options_.max_running && n_waiting() > 0) {
    const bool is_new = preempted_.empty();
    Jobs& waiting = is_new ? queued_ : preempted_;
    const auto next = is_new ? next_queued() : preempted_.begin();
    Job& job = **next;
    if (!admit(job)) return;
    if (is_new) admissions_.took(job.request.client);
    running_.push_back(std::move(*next));
    waiting.erase(next);
  }
}

Scheduler::Jobs::iterator Scheduler::next_queued() {
  return std::ranges::min_element(
      queued_, {}, [this](const auto& job) { return admissions_.place(job->request.client); });
}

// False where there are not enough blocks for what it has to run.
bool Scheduler::admit(Job& job) {
  const std::optional<int32_t> diverged_at = find_prefix(job);
  Sequence& sequence = job.sequence;
  if (sequence.n_missing_blocks(sequence.n_tokens()) > blocks_.n_free() + prefixes_.n_evictable()) {
    sequence.shrink_cache(0);
    return false;
  }
  CHECK(make_room(job, sequence.n_tokens()));
  if (!job.was_admitted) {
    job.was_admitted = true;
    job.stats.diverged_at = diverged_at;
    job.stats.queued_s = job.seconds_since_call();
  }
  return true;
}

void Scheduler::preempt_last() {
  std::unique_ptr<Job> job = std::move(running_.back());
  running_.pop_back();
  keep_prefix(*job);
  job->sequence.shrink_cache(0);
  ++n_preemptions_;
  const auto later = std::ranges::upper_bound(preempted_, job->id, {},
                                              [](const auto& waiting) { return waiting->id; });
  preempted_.insert(later, std::move(job));
}

void Scheduler::settle(const Share& share, int32_t logits_row) {
  Job& job = *share.job;
  const auto& callbacks = job.request.callbacks;
  if (share.is_of_prompt()) {
    const int32_t n_done = std::min(share.to, job.n_prompt());
    job.n_seen = std::max(job.n_seen, n_done);
    keep_prefix(job);
    if (!job.is_scored()) score_prompt(share, logits_row);
    report_prompt(job, n_done);
  }
  if (share.to < job.sequence.n_tokens() || job.is_cancelled) return;
  if (job.writer.n_generated() == 0) {
    job.stats.prompt_s = job.seconds_since_call() - job.stats.queued_s;
  } else {
    ++job.stats.speculation.n_steps;
  }
  if (job.writer.n_left() == 0) {
    return finish(job, job.writer.finish(DoneReason::kLength, callbacks.on_piece));
  }
  write(job, steps_.logits(logits_row + share.n_wanted() - 1));
}

void Scheduler::report_prompt(Job& job, int32_t n_done) {
  if (n_done <= job.n_reported) return;
  job.n_reported = n_done;
  const auto& on_prompt = job.request.callbacks.on_prompt;
  if (on_prompt) on_prompt(n_done, job.n_prompt());
}

void Scheduler::score_prompt(const Share& share, int32_t logits_row) {
  Job& job = *share.job;
  const int32_t end = std::min(share.to, job.n_to_score());
  for (; job.n_scored < end && !job.is_cancelled; ++job.n_scored, ++logits_row) {
    const auto next = static_cast<size_t>(job.n_scored + 1);
    const Logprobs logprobs = logprobs_of(steps_.logits(logits_row), job.request.prompt[next],
                                          job.request.n_prompt_logprobs);
    if (job.request.callbacks.on_prompt_logprobs) {
      job.request.callbacks.on_prompt_logprobs(job.n_scored + 1, logprobs);
    }
  }
}

void Scheduler::write(Job& job, std::span<float> logits) {
  const auto token = job.writer.draw(logits);
  if (!token) return end_with(job, token.error());
  if (job.writer.n_generated() == 1) job.stats.first_token_s = job.seconds_since_call();
  job.sequence.append(*token);
  const auto& on_piece = job.request.callbacks.on_piece;
  const auto reason = job.writer.show(*token, on_piece);
  if (!reason) return end_with(job, reason.error());
  if (*reason) return finish(job, **reason);
  if (job.is_cancelled || job.writer.n_left() > 0) return;
  finish(job, job.writer.finish(DoneReason::kLength, on_piece));
}

void Scheduler::finish(Job& job, DoneReason reason) {
  if (job.is_cancelled) reason = DoneReason::kCancelled;
  job.stats.n_generated = job.writer.n_generated();
  if (job.stats.n_generated > 0) {
    job.stats.generation_s = job.seconds_since_call() - job.stats.first_token_s;
  }
  keep_prefix(job);
  leave(job);
  if (job.request.callbacks.on_done) job.request.callbacks.on_done({reason, job.stats});
}

void Scheduler::end_with(Job& job, const Error& error) {
  if (job.is_cancelled) return finish(job, DoneReason::kCancelled);
  leave(job);
  if (job.request.callbacks.on_error) job.request.callbacks.on_error(error);
}

// Gives up its blocks and its turns.
void Scheduler::leave(Job& job) {
  job.sequence.shrink_cache(0);
  admissions_.leave(job.request.client);
  prompts_.leave(job.request.client);
  job.is_over = true;
}

// Lets other requests find what the job has run.
void Scheduler::keep_prefix(Job& job) {
  Sequence& sequence = job.sequence;
  const auto cached = sequence.tokens().first(static_cast<size_t>(sequence.cached_len()));
  sequence.share(prefixes_.insert(job.request.tenant, cached, sequence.block_table()));
}

void Scheduler::check_integrity() const {
  blocks_.check_integrity();
  prefixes_.check_integrity();
  std::map<int32_t, int32_t> n_users;
  for (const auto& job : running_) {
    for (const int32_t block : job->sequence.block_table()) ++n_users[block];
  }
  int32_t n_unused = 0;  // by requests
  for (int32_t block = 0; block < blocks_.n_blocks(); ++block) {
    const int32_t n_of_block = n_users.contains(block) ? n_users[block] : 0;
    const int32_t n_of_tree = blocks_.n_owners(block) - n_of_block;
    CHECK(n_of_tree == 0 || n_of_tree == 1);
    n_unused += n_of_tree == 1;
  }
  CHECK(n_unused == prefixes_.n_blocks());
}

}  // namespace hearth::engine
