// Many requests on one model at once: each step runs a row of every answer and pieces of prompts.
//
// An answer is what a Session of its own would give, to the bit, whatever else runs. Blocks of
// prompts and answers stay in a prefix tree, so that a prompt which begins like an earlier one, or
// like one that is just being run, starts where they part.
//
// A request is admitted, by turns of the clients and then first come, once blocks for its prompt
// can be had. Where answers run out of blocks, what only the tree keeps goes first; then the
// request admitted last waits again and what it lost is computed anew. None that was admitted fails
// for want of blocks.
//
// Requests run without speculation: a step's rows are shared by many already.
//
// One thread drives it; callbacks come from within step().
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "engine/kv_blocks.h"
#include "engine/prefix_tree.h"
#include "engine/request.h"
#include "engine/step_runner.h"
#include "engine/turns.h"
#include "models/model.h"
#include "text/tokenizer.h"

namespace hearth::engine {

struct SchedulerOptions {
  int32_t max_running = 16;  // requests in a step, at most the model's max_rows()
  int32_t max_queued = 256;  // requests that wait for their first step
  // Rows of prompts in a step that runs answers too, which bounds how long these wait for it.
  int32_t prompt_chunk = 64;
  // Rows of prompts in a step whose log-probabilities are asked for: each takes n_vocab floats.
  int32_t scored_chunk = 64;
};

class Scheduler {
 public:
  // Model and tokenizer must outlive the scheduler, which has the model's KV cache for itself.
  // kInvalidArgument for options out of range.
  static Result<std::unique_ptr<Scheduler>> create(models::Model& model,
                                                   const text::Tokenizer& tokenizer,
                                                   const SchedulerOptions& options);
  // Requests that are left are dropped without a call; what their callbacks hold must not call
  // back.
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // kContextExceeded with the numbers if the prompt leaves no room for an answer in the context or
  // the KV cache, kLimitExceeded with the numbers if the queue is full, kInvalidArgument for an
  // empty prompt, a token that the model does not have or bad options.
  Result<RequestId> submit(Request request);

  // The request is going to be done for reason "cancelled" and have given up its blocks: before
  // anything is run in the next step, or in this one if its answer ends with the piece just shown.
  // False if it is over already.
  bool cancel(RequestId id);

  // One step on the model, if there is anything to run. An error ends the request that it is about.
  void step();

  bool is_idle() const { return running_.empty() && preempted_.empty() && queued_.empty(); }
  int32_t n_running() const { return static_cast<int32_t>(running_.size()); }
  // That wait, for the first time or again.
  int32_t n_waiting() const { return static_cast<int32_t>(queued_.size() + preempted_.size()); }
  int64_t n_preemptions() const { return n_preemptions_; }  // since the beginning
  const KvBlocks& blocks() const { return blocks_; }
  const PrefixTree& prefixes() const { return prefixes_; }

  // CHECKs that every block in use is owned by the tree, by running requests or both, and by
  // nobody else.
  void check_integrity() const;

 private:
  struct Job;  // a request that is not over
  using Jobs = std::deque<std::unique_ptr<Job>>;
  struct Share;  // what a job runs in a step

  Scheduler(models::Model& model, const text::Tokenizer& tokenizer,
            const SchedulerOptions& options);

  // Who runs.
  void end_cancelled();
  void admit_waiting();
  Jobs::iterator next_queued();
  bool admit(Job& job);
  void preempt_last();
  void drop_ended();

  // What runs.
  void share_answers();
  void share_prompts();
  static Share share_of_prompt(Job& job, int32_t most_rows, int32_t most_scored);
  bool make_room(Job& job, int32_t n_positions);
  std::optional<int32_t> find_prefix(Job& job);
  bool is_about_to_be_found(const Job& job) const;
  void report_cached(Job& job);
  void run_shares();
  Result<void> run(std::span<const Share> shares);

  // What comes of it.
  void settle(const Share& share, int32_t logits_row);
  void score_prompt(const Share& share, int32_t logits_row);
  void write(Job& job, std::span<float> logits);
  static void report_prompt(Job& job, int32_t n_done);
  void finish(Job& job, DoneReason reason);
  void end_with(Job& job, const Error& error);
  void leave(Job& job);
  void keep_prefix(Job& job);

  models::Model& model_;
  const text::Tokenizer& tokenizer_;
  SchedulerOptions options_;
  int32_t max_len_;  // tokens of a sequence
  KvBlocks blocks_;
  PrefixTree prefixes_;
  StepRunner steps_;
  Jobs queued_;     // never admitted, first come first
  Jobs preempted_;  // admitted before, first come first
  Jobs running_;    // in the order of admission
  Turns admissions_, prompts_;
  std::vector<Share> shares_;  // of the step
  RequestId last_id_ = 0;
  int64_t n_preemptions_ = 0;
};

}  // namespace hearth::engine
