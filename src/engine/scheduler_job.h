// A scheduler's view of a request that is not over. Part of scheduler.cc and scheduler_step.cc.
#pragma once

#include <algorithm>
#include <chrono>
#include <utility>

#include "engine/answer_writer.h"
#include "engine/scheduler.h"
#include "engine/sequence.h"

namespace hearth::engine {

using Clock = std::chrono::steady_clock;

struct Scheduler::Job {
  Job(RequestId job_id, Request asked, AnswerWriter answer, KvBlocks& blocks, int32_t max_len)
      : id(job_id),
        request(std::move(asked)),
        writer(std::move(answer)),
        sequence(blocks, max_len),
        n_scored(request.n_prompt_logprobs >= 0 ? 0 : n_to_score()) {}

  int32_t n_prompt() const { return static_cast<int32_t>(request.prompt.size()); }
  int32_t n_uncached() const { return sequence.n_tokens() - sequence.cached_len(); }
  bool is_answering() const { return writer.n_generated() > 0 && n_uncached() == 1; }

  // Tokens of the prompt whose logits give a log-probability of the next one.
  int32_t n_to_score() const { return n_prompt() - 1; }
  bool is_scored() const { return n_scored == n_to_score(); }
  // Logits are wanted from this position on, so that it has to be run though it be cached.
  int32_t wants_from() const { return is_scored() ? sequence.n_tokens() - 1 : n_scored; }

  double seconds_since_call() const {
    return std::chrono::duration<double>(Clock::now() - submitted).count();
  }

  RequestId id;
  Request request;
  AnswerWriter writer;
  Sequence sequence;
  int32_t n_scored;         // of n_to_score()
  int32_t n_seen = 0;       // positions of the prompt that were cached at some time
  int32_t n_reported = -1;  // positions of the prompt, by on_prompt
  bool was_admitted = false;
  bool is_cancelled = false;
  bool is_over = false;
  Clock::time_point submitted = Clock::now();
  GenerateStats stats;
};

struct Scheduler::Share {
  Job* job;
  int32_t from, to;    // positions
  int32_t wants_from;  // logits are wanted from this one on

  bool is_of_prompt() const { return from < job->n_prompt(); }
  int32_t n_rows() const { return to - from; }
  int32_t n_wanted() const { return std::max(0, to - std::max(from, wants_from)); }
};

}  // namespace hearth::engine
