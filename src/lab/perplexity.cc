#include "lab/perplexity.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace hearth::lab {
namespace {

// Rows scored in one step: bounds the logits held at once (64 rows of 262,144 floats are 64 MiB).
constexpr int32_t kScoredRows = 64;

class WindowScorer {
 public:
  WindowScorer(models::Model& model, int32_t n_ctx) : model_(model), n_ctx_(n_ctx) {
    blocks_.resize(static_cast<size_t>(compute::kv_blocks_for(n_ctx)));
    std::iota(blocks_.begin(), blocks_.end(), 0);
    logits_.resize(static_cast<size_t>(kScoredRows) * static_cast<size_t>(model.info().n_vocab));
  }

  // Adds -log p of every scored token of the window. window[0] may differ from the text's token
  // (BOS).
  Result<void> score(std::span<const int32_t> window, std::vector<double>& losses) {
    const int32_t first_scored = n_ctx_ / 2;
    const int32_t last_scored = n_ctx_ - 2;
    for (int32_t begin = 0; begin < first_scored;) {
      const int32_t end = std::min(first_scored, begin + model_.max_rows());
      TRY(run(window, begin, end, false));
      begin = end;
    }
    for (int32_t begin = first_scored; begin <= last_scored;) {
      const int32_t end =
          std::min({last_scored + 1, begin + model_.max_rows(), begin + kScoredRows});
      TRY(run(window, begin, end, true));
      const auto n_vocab = static_cast<size_t>(model_.info().n_vocab);
      for (int32_t p = begin; p < end; ++p) {
        const auto logits =
            std::span(logits_).subspan(static_cast<size_t>(p - begin) * n_vocab, n_vocab);
        losses.push_back(negative_log_likelihood(logits, window[static_cast<size_t>(p) + 1]));
      }
      begin = end;
    }
    return {};
  }

 private:
  Result<void> run(std::span<const int32_t> window, int32_t begin, int32_t end, bool wants_logits) {
    rows_.clear();
    for (int32_t p = begin; p < end; ++p)
      rows_.push_back({window[static_cast<size_t>(p)], p, 0, wants_logits});
    const std::span<const int32_t> table(blocks_);
    const size_t n_logits =
        wants_logits ? rows_.size() * static_cast<size_t>(model_.info().n_vocab) : 0;
    return model_.run({rows_, {&table, 1}}, std::span(logits_).first(n_logits));
  }

  models::Model& model_;
  int32_t n_ctx_;
  std::vector<int32_t> blocks_;
  std::vector<compute::Row> rows_;
  std::vector<float> logits_;
};

}  // namespace

double negative_log_likelihood(std::span<const float> logits, int32_t token) {
  const double most = *std::ranges::max_element(logits);
  double total = 0;
  for (const float logit : logits) total += std::exp(logit - most);
  return std::log(total) - (logits[static_cast<size_t>(token)] - most);
}

Result<Perplexity> measure_perplexity(models::Model& model, std::span<const int32_t> tokens,
                                      const PerplexityOptions& options) {
  const int32_t n_ctx = options.n_ctx;
  if (n_ctx < 4 || n_ctx > model.info().n_ctx) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("windows of {} tokens: at least 4 and at most the context of {}", n_ctx,
                            model.info().n_ctx));
  }
  const size_t n_windows = tokens.size() / static_cast<size_t>(n_ctx);
  if (n_windows == 0) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format(
            "the text has {} tokens, one window needs {}; give a longer text or a smaller --ctx",
            tokens.size(), n_ctx));
  }
  WindowScorer scorer(model, n_ctx);
  std::vector<double> losses;
  std::vector<int32_t> window;
  for (size_t w = 0; w < n_windows; ++w) {
    const auto text = tokens.subspan(w * static_cast<size_t>(n_ctx), static_cast<size_t>(n_ctx));
    window.assign(text.begin(), text.end());
    if (options.bos) window[0] = *options.bos;
    TRY(scorer.score(window, losses));
    if (options.progress && !options.progress(w + 1, n_windows)) {
      return fail(ErrorCode::kCancelled,
                  fmt::format("stopped after {} of {} windows", w + 1, n_windows));
    }
  }
  const auto n = static_cast<double>(losses.size());
  const double mean = std::accumulate(losses.begin(), losses.end(), 0.0) / n;
  double variance = 0;
  for (const double loss : losses) variance += (loss - mean) * (loss - mean);
  variance = losses.size() > 1 ? variance / (n - 1) : 0;
  const double perplexity = std::exp(mean);
  return Perplexity{perplexity, perplexity * std::sqrt(variance / n), losses.size()};
}

}  // namespace hearth::lab
