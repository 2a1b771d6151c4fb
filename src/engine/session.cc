#include "engine/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <limits>

#include "base/check.h"
#include "engine/sampling/keep_only.h"
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

Session::Session(models::Model& model, const text::Tokenizer& tokenizer)
    : model_(model),
      tokenizer_(tokenizer),
      blocks_(model.n_kv_blocks()),
      sequence_(blocks_, model.info().n_ctx) {
  rows_.reserve(static_cast<size_t>(model.max_rows()));
  logits_.resize(static_cast<size_t>(model.info().n_vocab));
}

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
  // The last token's logits are wanted, so it runs even where its K and V are cached.
  const int32_t n_cached = std::min(sequence_.cached_len(), run.stats.n_prompt - 1);
  sequence_.shrink_cache(n_cached);
  run.stats.n_cached = n_cached;

  const bool is_complete = TRY(run_prompt(run));
  run.stats.prompt_s = seconds_since(run.start);
  if (!is_complete) return Generated{DoneReason::kCancelled, run.stats};
  const DoneReason reason = TRY(answer(run));
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
    const int32_t from = sequence_.cached_len();
    TRY(run_rows(from, std::min(n_total, from + model_.max_rows())));
    if (run.callbacks.on_prompt) run.callbacks.on_prompt(sequence_.cached_len(), n_total);
  }
  return true;
}

// One step over tokens [from, to). The logits of the sequence's last token end up in logits_.
Result<void> Session::run_rows(int32_t from, int32_t to) {
  TRY(sequence_.reserve(to));
  rows_.clear();
  for (int32_t position = from; position < to; ++position) {
    const bool is_last = position + 1 == sequence_.n_tokens();
    rows_.push_back({sequence_.tokens()[static_cast<size_t>(position)], position, 0, is_last});
  }
  const std::span<const int32_t> table = sequence_.block_table();
  const std::span<float> wanted = rows_.back().wants_logits ? logits_ : std::span<float>();
  TRY(model_.run({rows_, {&table, 1}}, wanted));
  // A head may be padded with rows beyond the tokenizer's last token: those are never drawn.
  const size_t n_tokens = std::min(static_cast<size_t>(tokenizer_.n_tokens()), logits_.size());
  std::ranges::fill(wanted.subspan(wanted.empty() ? 0 : n_tokens),
                    -std::numeric_limits<float>::infinity());
  sequence_.mark_cached(to);
  return {};
}

Result<DoneReason> Session::answer(Run& run) {
  DoneReason reason = DoneReason::kLength;
  while (run.options.n_predict < 0 || run.stats.n_generated < run.options.n_predict) {
    if (sequence_.n_tokens() == sequence_.max_len()) break;
    if (run.stats.n_generated > 0) {
      TRY(run_rows(sequence_.cached_len(), sequence_.n_tokens()));
    }
    const TokenId token = TRY(draw(run));
    if (++run.stats.n_generated == 1) run.stats.first_token_s = seconds_since(run.start);
    sequence_.append(token);
    if (!run.options.ignores_end && tokenizer_.ends_generation(token)) {
      reason = DoneReason::kStop;
      break;
    }
    const bool is_complete = run.constraint && TRY(run.constraint->commit(token));
    std::optional<Logprobs> logprobs;
    if (run.options.n_logprobs >= 0) logprobs = logprobs_of(logits_, token, run.options.n_logprobs);
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

// The next token, from logits_; they stay where log-probabilities are wanted.
Result<TokenId> Session::draw(Run& run) {
  const bool keeps_logits = run.options.n_logprobs >= 0;
  if (keeps_logits) scratch_.assign(logits_.begin(), logits_.end());
  const std::span<float> logits = keeps_logits ? scratch_ : logits_;
  if (run.constraint) keep_only(TRY(run.constraint->mask()), logits);
  return run.chain.sample(logits);
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
