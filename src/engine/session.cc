#include "engine/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/check.h"
#include "engine/sampling/keep_only.h"
#include "engine/speculation/lookup.h"
#include "engine/stop_matcher.h"
#include "text/stream_decoder.h"

namespace hearth::engine {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

SamplerContext sampler_context(const models::Model& model, const text::Tokenizer& tokenizer) {
  return {model.info().n_vocab, model.info().n_ctx,
          [&tokenizer](TokenId token) { return tokenizer.token_bytes(token, false); }};
}

std::vector<std::unique_ptr<Proposer>> or_lookup(std::vector<std::unique_ptr<Proposer>> proposers,
                                                 int32_t max_len) {
  if (proposers.empty()) proposers.push_back(std::make_unique<Lookup>(max_len));
  return proposers;
}

}  // namespace

const char* done_reason_name(DoneReason reason) {
  switch (reason) {
    case DoneReason::kStop: return "stop";
    case DoneReason::kLength: return "length";
    case DoneReason::kCancelled: return "cancelled";
  }
  return "";
}

double GenerateStats::prompt_tokens_per_s() const {
  return prompt_s > 0 ? (n_prompt - n_cached) / prompt_s : 0;
}

double GenerateStats::generation_tokens_per_s() const {
  return generation_s > 0 && n_generated > 1 ? (n_generated - 1) / generation_s : 0;
}

double GenerateStats::generation_steps_per_s() const {
  return generation_s > 0 ? speculation.n_steps / generation_s : 0;
}

// What one generate() call carries along.
struct Session::Run {
  const GenerateOptions& options;
  const GenerateCallbacks& callbacks;
  SamplerChain chain;
  StopMatcher stops;
  text::StreamDecoder decoder;
  std::optional<text::Constraint> constraint;
  Clock::time_point start;
  GenerateStats stats;
  std::string decoded, shown;  // reused from token to token

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

Result<void> Session::check_prompt(std::span<const TokenId> prompt,
                                   const GenerateOptions& options) const {
  const auto n_ctx = static_cast<size_t>(sequence_.max_len());
  if (prompt.empty()) return fail(ErrorCode::kInvalidArgument, "the prompt is empty");
  if (prompt.size() > n_ctx || (prompt.size() == n_ctx && options.n_predict != 0)) {
    return fail(ErrorCode::kContextExceeded,
                fmt::format("the prompt has {} tokens, the context holds {} (n_ctx){}; shorten it "
                            "or raise --ctx",
                            prompt.size(), n_ctx,
                            prompt.size() == n_ctx ? " and needs room for an answer" : ""));
  }
  if (options.n_predict < -1) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("n_predict: {} is below -1", options.n_predict));
  }
  if (options.grammar != nullptr && options.ignores_end) {
    return fail(ErrorCode::kInvalidArgument,
                "an answer held to a format ends where the format does; leave ignore_eos out");
  }
  return {};
}

Result<Generated> Session::generate(std::span<const TokenId> prompt, const GenerateOptions& options,
                                    const GenerateCallbacks& callbacks) {
  TRY(check_prompt(prompt, options));
  SamplerChain chain =
      TRY(SamplerChain::create(options.sampling, sampler_context(model_, tokenizer_)));
  StopMatcher stops = TRY(StopMatcher::create(options.stops));
  Run run = {options,
             callbacks,
             std::move(chain),
             std::move(stops),
             text::StreamDecoder(tokenizer_, {.at_text_start = false}),
             std::nullopt,
             Clock::now(),
             {},
             {},
             {}};
  if (options.grammar != nullptr) run.constraint = TRY(options.grammar->begin());
  run.chain.accept(prompt);
  run.stats.seed = run.chain.seed();
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
  DoneReason reason = DoneReason::kLength;
  while (n_left(run) > 0) {
    const std::span<float> logits = TRY(next_logits(run));
    const TokenId token = TRY(draw(run, logits));
    if (++run.stats.n_generated == 1) run.stats.first_token_s = seconds_since(run.start);
    append(token);
    if (!run.options.ignores_end && tokenizer_.ends_generation(token)) {
      reason = DoneReason::kStop;
      break;
    }
    const bool is_complete = run.constraint && TRY(run.constraint->commit(token));
    std::optional<Logprobs> logprobs;
    if (run.options.n_logprobs >= 0) logprobs = logprobs_of(logits, token, run.options.n_logprobs);
    if (show(run, token, logprobs ? &*logprobs : nullptr)) return DoneReason::kStop;
    if (is_complete) {
      reason = DoneReason::kStop;
      break;
    }
    if (run.is_cancelled()) {
      reason = DoneReason::kCancelled;
      break;
    }
  }
  run.shown.clear();
  run.decoded = run.decoder.flush();
  if (run.stops.feed(run.decoded, run.shown)) reason = DoneReason::kStop;
  run.stops.finish(run.shown);
  if (!run.shown.empty() && run.callbacks.on_piece) run.callbacks.on_piece({run.shown});
  return reason;
}

// Tokens that the answer may still have.
int32_t Session::n_left(const Run& run) const {
  const int32_t room = sequence_.max_len() - sequence_.n_tokens();
  if (run.options.n_predict < 0) return room;
  return std::min(room, run.options.n_predict - run.stats.n_generated);
}

// Those after the sequence's last token: from the last step if the token was run ahead in it, else
// from a step of its own.
Result<std::span<float>> Session::next_logits(Run& run) {
  const int32_t n_known = sequence_.n_tokens();
  if (sequence_.cached_len() == n_known) return steps_.logits(row_);
  const int32_t most_ahead = std::min(n_left(run), model_.max_rows()) - 1;
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

// The next token; the logits stay as they are where log-probabilities are wanted.
Result<TokenId> Session::draw(Run& run, std::span<float> logits) {
  if (run.options.n_logprobs >= 0) {
    scratch_.assign(logits.begin(), logits.end());
    logits = scratch_;
  }
  if (run.constraint) keep_only(TRY(run.constraint->mask()), logits);
  return run.chain.sample(logits);
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

// Shows what the token adds to the text; true once a stop string is complete.
bool Session::show(Run& run, TokenId token, const Logprobs* logprobs) {
  run.shown.clear();
  run.decoded = run.decoder.push(token);
  const bool is_stopped = run.stops.feed(run.decoded, run.shown);
  if (run.callbacks.on_piece) run.callbacks.on_piece({run.shown, token, logprobs});
  return is_stopped;
}

}  // namespace hearth::engine
