// DRY ("don't repeat yourself"): a token that would extend a repetition of the last n tokens is
// penalized by multiplier * base^(n - allowed_length), n being the longest such repetition.
//
// A sequence breaker is text: repetitions are not followed back beyond the token in which its last
// occurrence ends. Cost: linear in penalty_last_n (Z-algorithm), no allocation after the first use.
#include <algorithm>
#include <string>
#include <vector>

#include "engine/sampling/exponential.h"
#include "engine/sampling/options.h"

namespace hearth::engine {
namespace {

constexpr double kMaxExponent = 88;  // base^n stays finite in f32: e^88 < FLT_MAX

struct DrySettings {
  double multiplier, base;
  size_t allowed_length, last_n;
  std::vector<std::string> breakers;
};

class Dry final : public Sampler {
 public:
  Dry(DrySettings settings, std::function<std::string(TokenId)> token_bytes)
      : settings_(std::move(settings)), token_bytes_(std::move(token_bytes)) {
    for (const std::string& breaker : settings_.breakers) {
      longest_breaker_ = std::max(longest_breaker_, breaker.size());
    }
  }

  void accept(TokenId token, double) override {
    ++n_since_breaker_;
    if (longest_breaker_ == 0) return;
    const size_t n_before = tail_.size();
    tail_ += token_bytes_(token);
    for (const std::string& breaker : settings_.breakers) {
      const size_t from = n_before - std::min(n_before, breaker.size() - 1);
      if (tail_.find(breaker, from) != std::string::npos) n_since_breaker_ = 0;
    }
    if (tail_.size() >= longest_breaker_) tail_.erase(0, tail_.size() - (longest_breaker_ - 1));
  }

  void apply(Candidates& candidates, const SamplerState& state) override {
    const size_t n = std::min(settings_.last_n, state.history.size());
    const size_t limit = std::min(n_since_breaker_, n);
    if (n <= settings_.allowed_length || limit < settings_.allowed_length) return;
    measure_repeats(state.history.last(n));
    collect(state.history.last(n), limit);
    for (size_t i = 0; i < found_.size(); ++i) {
      // Sorted by token, longest first: the first of a token counts.
      if (i > 0 && found_[i].token == found_[i - 1].token) continue;
      if (float* logit = candidates.find(found_[i].token)) {
        *logit -= static_cast<float>(penalty(found_[i].length));
      }
    }
    if (!found_.empty()) candidates.changed();
  }

 private:
  struct Found {
    TokenId token;
    size_t length;
  };

  double penalty(size_t length) const {
    const double steps = static_cast<double>(length - settings_.allowed_length);
    const double exponent = steps * logarithm(settings_.base);
    return settings_.multiplier * exponential(std::min(exponent, kMaxExponent));
  }

  // repeats_[i], i >= 1: how many tokens that end i places before the end equal the last ones
  // (Z-algorithm over the reversed history).
  void measure_repeats(std::span<const TokenId> history) {
    const size_t n = history.size();
    const auto reversed = [&](size_t i) { return history[n - 1 - i]; };
    repeats_.assign(n, 0);
    size_t left = 0, right = 0;
    for (size_t i = 1; i < n; ++i) {
      size_t length = i < right ? std::min(right - i, repeats_[i - left]) : 0;
      while (i + length < n && reversed(length) == reversed(i + length)) ++length;
      repeats_[i] = length;
      if (i + length > right) {
        left = i;
        right = i + length;
      }
    }
  }

  // The token that followed each earlier repetition of at least allowed_length tokens.
  void collect(std::span<const TokenId> history, size_t limit) {
    found_.clear();
    for (size_t i = 1; i < history.size(); ++i) {
      const size_t length = std::min(repeats_[i], limit);
      if (length < settings_.allowed_length || length == 0) continue;
      found_.push_back({history[history.size() - i], length});
    }
    std::sort(found_.begin(), found_.end(), [](const Found& a, const Found& b) {
      return a.token != b.token ? a.token < b.token : a.length > b.length;
    });
  }

  DrySettings settings_;
  std::function<std::string(TokenId)> token_bytes_;
  size_t longest_breaker_ = 0;
  size_t n_since_breaker_ = 0;  // tokens after the one in which the last breaker ends
  std::string tail_;            // last bytes of the text, fewer than the longest breaker
  std::vector<size_t> repeats_;
  std::vector<Found> found_;
};

constexpr const char* kBreakers[] = {"\n", ":", "\"", "*"};

constexpr Parameter kParameters[] = {
    {"dry_multiplier", Parameter::Kind::kNumber, 0, 0, 100, "strength of DRY; 0: off"},
    {"dry_base", Parameter::Kind::kNumber, 1.75, 1, 100,
     "growth of the penalty with each further repeated token"},
    {"dry_allowed_length", Parameter::Kind::kInteger, 2, 0, 1000000,
     "repetitions shorter than this are free"},
    {"dry_penalty_last_n", Parameter::Kind::kInteger, -1, -1, 2147483647,
     "tokens that DRY looks back on; 0: none, -1: the whole context"},
    {"dry_sequence_breakers", Parameter::Kind::kTexts, 0, 0, 64,
     "texts that a repetition is not followed across", kBreakers},
};

std::unique_ptr<Sampler> make(const SamplingOptions& options, const SamplerContext& context) {
  int64_t last_n = options.integer("dry_penalty_last_n");
  if (last_n < 0) last_n = context.n_ctx;
  const double multiplier = options.number("dry_multiplier");
  if (multiplier == 0 || last_n == 0) return nullptr;
  DrySettings settings = {multiplier, options.number("dry_base"),
                          static_cast<size_t>(options.integer("dry_allowed_length")),
                          static_cast<size_t>(last_n), options.texts("dry_sequence_breakers")};
  if (!context.token_bytes) settings.breakers.clear();
  return std::make_unique<Dry>(std::move(settings), context.token_bytes);
}

}  // namespace

extern const SamplerKind kDry = {"dry", SamplerKind::Role::kBias, kParameters, make};

}  // namespace hearth::engine
