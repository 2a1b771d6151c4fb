#include "engine/session.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/check.h"
#include "engine/answer_writer.h"
#include "engine/speculation/lookup.h"

namespace hearth::engine {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::vector<std::unique_ptr<Proposer>> or_lookup(std::vector<std::unique_ptr<Proposer>> proposers,
                                                 int32_t max_len) {
  if (proposers.empty()) proposers.push_back(std::make_unique<Lookup>(max_len));
  return proposers;
}

}  // namespace

// What one generate() call carries along.
struct Session::Run {
  const GenerateCallbacks& callbacks;
  AnswerWriter writer;
  Clock::time_point start;
  GenerateStats stats;

  bool is_cancelled() const { return callbacks.is_cancelled && callbacks.is_cancelled(); }
};

Session::Session(models::Model& model, const text::Tokenizer& tokenizer,
                 std::vector<std::unique_ptr<Proposer>> proposers)
    : model_(model),
      tokenizer_(tokenizer),
      blocks_(model.n_kv_blocks()),
      sequence_(blocks_, model.info().n_ctx),
      steps_(model, tokenizer.n_tokens()),
      speculator_(or_lookup(std::move(proposers), model.info().n_ctx)) {}

void Session::clear() {
  CHECK(sequence_.set_tokens({}).has_value());
  blocks_.check_integrity();
}

Result<Generated> Session::generate(std::span<const TokenId> prompt, const GenerateOptions& options,
                                    const GenerateCallbacks& callbacks) {
  const Clock::time_point start = Clock::now();
  AnswerWriter writer = TRY(AnswerWriter::create(
      {tokenizer_, model_.info().n_vocab, sequence_.max_len()}, prompt, options));
  Run run = {callbacks, std::move(writer), start, {}};
  run.stats.seed = run.writer.seed();
  run.stats.n_prompt = static_cast<int32_t>(prompt.size());
  TRY(sequence_.set_tokens(prompt));
  speculator_.begin(options.speculation);
  // The last token's logits are wanted, so it runs even where its K and V are cached.
  const int32_t n_cached = std::min(sequence_.cached_len(), run.stats.n_prompt - 1);
  sequence_.shrink_cache(n_cached);
  run.stats.n_cached = n_cached;

  const bool is_complete = TRY(run_prompt(run));
  run.stats.prompt_s = seconds_since(run.start);
  if (!is_complete) return Generated{DoneReason::kCancelled, run.stats};
  const DoneReason reason = TRY(answer(run));
  run.stats.n_generated = run.writer.n_generated();
  run.stats.speculation = speculator_.stats();
  if (run.stats.n_generated > 0) {
    run.stats.generation_s = seconds_since(run.start) - run.stats.first_token_s;
  }
  return Generated{reason, run.stats};
}

// False if cancelled.
Result<bool> Session::run_prompt(Run& run) {
  const int32_t n_total = sequence_.n_tokens();
  if (run.callbacks.on_prompt) run.callbacks.on_prompt(sequence_.cached_len(), n_total);
  while (sequence_.cached_len() < n_total) {
    if (run.is_cancelled()) return false;
    TRY(steps_.run(sequence_, std::min(n_total, sequence_.cached_len() + model_.max_rows())));
    if (run.callbacks.on_prompt) run.callbacks.on_prompt(sequence_.cached_len(), n_total);
  }
  row_ = 0;
  return true;
}

Result<DoneReason> Session::answer(Run& run) {
  AnswerWriter& writer = run.writer;
  while (writer.n_left() > 0) {
    const TokenId token = TRY(writer.draw(TRY(next_logits(run))));
    if (writer.n_generated() == 1) run.stats.first_token_s = seconds_since(run.start);
    append(token);
    if (const auto reason = TRY(writer.show(token, run.callbacks.on_piece))) return *reason;
    if (run.is_cancelled()) return writer.finish(DoneReason::kCancelled, run.callbacks.on_piece);
  }
  return writer.finish(DoneReason::kLength, run.callbacks.on_piece);
}

// Those after the sequence's last token: from the last step if the token was run ahead in it, else
// from a step of its own.
Result<std::span<float>> Session::next_logits(Run& run) {
  const int32_t n_known = sequence_.n_tokens();
  if (sequence_.cached_len() == n_known) return steps_.logits(row_);
  const int32_t most_ahead = std::min(run.writer.n_left(), model_.max_rows()) - 1;
  std::span<const TokenId> ahead = speculator_.look_ahead(sequence_.tokens(), most_ahead);
  const Clock::time_point start = Clock::now();
  Result<void> done = steps_.run(sequence_, n_known, ahead);
  if (!done && !ahead.empty()) {  // no answer fails for what was only guessed
    ahead = {};
    done = steps_.run(sequence_, n_known);
  }
  TRY(done);
  speculator_.ran(static_cast<int32_t>(ahead.size()), seconds_since(start));
  row_ = 0;
  return steps_.logits(row_);
}

void Session::append(TokenId token) {
  sequence_.append(token);
  if (speculator_.accept(token)) {
    sequence_.mark_cached(sequence_.n_tokens());
    ++row_;
  } else {
    sequence_.shrink_cache(sequence_.cached_len());  // blocks of what was run ahead in vain
  }
}

}  // namespace hearth::engine
