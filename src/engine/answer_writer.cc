#include "engine/answer_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/sampling/keep_only.h"

namespace hearth::engine {
namespace {

Result<void> check(std::span<const TokenId> prompt, size_t n_ctx, const GenerateOptions& options) {
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

}  // namespace

Result<AnswerWriter> AnswerWriter::create(const Model& model, std::span<const TokenId> prompt,
                                          const GenerateOptions& options) {
  TRY(check(prompt, static_cast<size_t>(model.n_ctx), options));
  const text::Tokenizer& tokenizer = model.tokenizer;
  SamplerChain chain = TRY(SamplerChain::create(
      options.sampling, {model.n_vocab, model.n_ctx, [&tokenizer](TokenId token) {
                           return tokenizer.token_bytes(token, false);
                         }}));
  StopMatcher stops = TRY(StopMatcher::create(options.stops));
  chain.accept(prompt);
  const int32_t room = model.n_ctx - static_cast<int32_t>(prompt.size());
  const int32_t n_most = options.n_predict < 0 ? room : std::min(room, options.n_predict);
  AnswerWriter writer(model, n_most, options, std::move(chain), std::move(stops));
  if (options.grammar != nullptr) writer.constraint_ = TRY(options.grammar->begin());
  return writer;
}

AnswerWriter::AnswerWriter(const Model& model, int32_t n_most, const GenerateOptions& options,
                           SamplerChain chain, StopMatcher stops)
    : tokenizer_(model.tokenizer),
      n_most_(n_most),
      n_logprobs_(options.n_logprobs),
      ignores_end_(options.ignores_end),
      chain_(std::move(chain)),
      stops_(std::move(stops)),
      decoder_(model.tokenizer, {.at_text_start = false}) {}

Result<TokenId> AnswerWriter::draw(std::span<float> logits) {
  std::span<float> altered = logits;
  if (n_logprobs_ >= 0) {
    altered_.assign(logits.begin(), logits.end());
    altered = altered_;
  }
  if (constraint_) keep_only(TRY(constraint_->mask()), altered);
  const TokenId token = TRY(chain_.sample(altered));
  ++n_generated_;
  if (n_logprobs_ >= 0) logprobs_ = logprobs_of(logits, token, n_logprobs_);
  return token;
}

Result<std::optional<DoneReason>> AnswerWriter::show(TokenId token, const OnPiece& on_piece) {
  if (!ignores_end_ && tokenizer_.ends_generation(token)) {
    return finish(DoneReason::kStop, on_piece);
  }
  const bool is_complete = constraint_ && TRY(constraint_->commit(token));
  shown_.clear();
  const bool is_stopped = stops_.feed(decoder_.push(token), shown_);
  if (on_piece) on_piece({shown_, token, logprobs_ ? &*logprobs_ : nullptr});
  if (is_stopped || is_complete) return finish(DoneReason::kStop, on_piece);
  return std::nullopt;
}

DoneReason AnswerWriter::finish(DoneReason reason, const OnPiece& on_piece) {
  shown_.clear();
  if (stops_.feed(decoder_.flush(), shown_)) reason = DoneReason::kStop;
  stops_.finish(shown_);
  if (!shown_.empty() && on_piece) on_piece({shown_});
  return reason;
}

}  // namespace hearth::engine
