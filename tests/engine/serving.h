// A tiny model with a scheduler of its own, and what its requests have heard.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/scheduler.h"
#include "tests/engine/conversation.h"

namespace hearth::engine {

struct Heard {
  Answer answer;
  std::optional<Error> error;
  bool is_done = false;  // well or with an error
  int32_t first_token_step = -1;
  std::vector<int32_t> prompt_done;    // by on_prompt
  std::vector<float> prompt_logprobs;  // of each token, then of its alternatives
};

struct ServingOptions {
  SchedulerOptions scheduler = {};
  int32_t n_kv_positions = 4 * kContext;
  int32_t max_rows = kMaxRows;
  std::string path = fixture().path();
  text::TokenizerFile vocabulary = byte_tokens();
};

class Serving {
 public:
  explicit Serving(const ServingOptions& options = {})
      : file_(value_or_fail(gguf::File::open(options.path))),
        model_(value_or_fail(models::Model::load(file_, compute::make_cpu_backend({.n_threads = 2}),
                                                 {.n_ctx = kContext,
                                                  .n_kv_positions = options.n_kv_positions,
                                                  .max_rows = options.max_rows}))),
        tokenizer_(value_or_fail(options.vocabulary.load())),
        scheduler_(value_or_fail(Scheduler::create(*model_, *tokenizer_, options.scheduler))) {}

  Result<RequestId> try_submit(Request request) {
    const auto kept = std::make_shared<Heard>();
    Heard& heard = *kept;  // as long as the scheduler
    request.callbacks.on_prompt = [&heard](int32_t n_done, int32_t) {
      EXPECT_FALSE(heard.is_done);
      heard.prompt_done.push_back(n_done);
    };
    request.callbacks.on_prompt_logprobs = [&heard](int32_t index, const Logprobs& logprobs) {
      EXPECT_EQ(heard.prompt_logprobs.size(),
                static_cast<size_t>(index - 1) * (1 + logprobs.top.size()));
      heard.prompt_logprobs.push_back(logprobs.chosen.logprob);
      for (const auto& other : logprobs.top) heard.prompt_logprobs.push_back(other.logprob);
    };
    request.callbacks.on_piece = [this, &heard](const Piece& piece) {
      EXPECT_FALSE(heard.is_done);
      if (heard.answer.pieces.empty()) heard.first_token_step = n_steps_;
      add_piece(piece, heard.answer);
    };
    request.callbacks.on_done = [&heard](const Generated& done) {
      EXPECT_FALSE(std::exchange(heard.is_done, true));
      heard.answer.done = done;
    };
    request.callbacks.on_error = [&heard](const Error& error) {
      EXPECT_FALSE(std::exchange(heard.is_done, true));
      heard.error = error;
    };
    auto id = scheduler_->submit(std::move(request));
    if (id) heard_.emplace(*id, kept);
    return id;
  }

  RequestId submit(Request request) { return value_or_fail(try_submit(std::move(request))); }
  RequestId submit(const Tokens& tokens, const GenerateOptions& options,
                   const std::string& client = "") {
    Request request;
    request.prompt = tokens;
    request.options = options;
    request.client = client;
    return submit(std::move(request));
  }

  Error refusal(Request request) {
    const auto id = try_submit(std::move(request));
    if (!id) return id.error();
    ADD_FAILURE() << "accepted";
    return {};
  }

  void step() {
    ++n_steps_;
    scheduler_->step();
    scheduler_->check_integrity();
  }
  void run() {
    while (!scheduler_->is_idle()) step();
    EXPECT_EQ(scheduler_->blocks().n_free() + scheduler_->prefixes().n_blocks(),
              scheduler_->blocks().n_blocks());
  }

  const Heard& heard(RequestId id) { return *heard_.at(id); }
  const Answer& answer(RequestId id) {
    EXPECT_TRUE(heard(id).is_done);
    EXPECT_FALSE(heard(id).error) << heard(id).error->message;
    return heard(id).answer;
  }
  Scheduler& scheduler() { return *scheduler_; }
  const text::Tokenizer& tokenizer() const { return *tokenizer_; }
  int32_t n_steps() const { return n_steps_; }

 private:
  gguf::File file_;
  std::unique_ptr<models::Model> model_;
  std::unique_ptr<text::Tokenizer> tokenizer_;
  std::map<RequestId, std::shared_ptr<Heard>> heard_;
  int32_t n_steps_ = 0;
  std::unique_ptr<Scheduler> scheduler_;
};

}  // namespace hearth::engine
