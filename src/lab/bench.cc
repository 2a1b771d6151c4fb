#include "lab/bench.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <numeric>

#include "compute/batch.h"

namespace hearth::lab {
namespace {

class Runner {
 public:
  explicit Runner(models::Model& model) : model_(model) {
    blocks_.resize(static_cast<size_t>(model.n_kv_blocks()));
    std::iota(blocks_.begin(), blocks_.end(), 0);
    logits_.resize(static_cast<size_t>(model.info().n_vocab));
  }

  // Positions [begin, end) in the largest steps, logits of the last one only.
  Result<void> prefill(int32_t begin, int32_t end) {
    while (begin < end) {
      const int32_t n = std::min(end - begin, model_.max_rows());
      TRY(run(begin, n, begin + n == end));
      begin += n;
    }
    return {};
  }
  Result<void> generate(int32_t begin, int32_t end) {
    for (int32_t p = begin; p < end; ++p) TRY(run(p, 1, true));
    return {};
  }

 private:
  Result<void> run(int32_t begin, int32_t n, bool wants_last) {
    rows_.clear();
    for (int32_t p = begin; p < begin + n; ++p) rows_.push_back({token_at(p), p, 0, false});
    rows_.back().wants_logits = wants_last;
    const std::span<const int32_t> table(blocks_);
    return model_.run({rows_, {&table, 1}},
                      std::span(logits_).first(wants_last ? logits_.size() : 0));
  }
  // Spread over the vocabulary, so that no run of equal tokens makes a step easier than text.
  int32_t token_at(int32_t position) const {
    return static_cast<int32_t>((int64_t{position} * 7919 + 101) % model_.info().n_vocab);
  }

  models::Model& model_;
  std::vector<int32_t> blocks_;
  std::vector<compute::Row> rows_;
  std::vector<float> logits_;
};

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

Result<BenchSample> run_once(Runner& runner, const BenchOptions& options) {
  BenchSample sample;
  if (options.n_prompt > 0) {
    TRY(runner.prefill(0, options.depth));
    const auto start = std::chrono::steady_clock::now();
    TRY(runner.prefill(options.depth, options.depth + options.n_prompt));
    sample.prompt_tokens_per_s = options.n_prompt / seconds_since(start);
  }
  if (options.n_generate > 0) {
    TRY(runner.prefill(0, std::max(options.depth, 1)));
    const int32_t begin = std::max(options.depth, 1);
    const auto start = std::chrono::steady_clock::now();
    TRY(runner.generate(begin, begin + options.n_generate));
    sample.generation_tokens_per_s = options.n_generate / seconds_since(start);
  }
  return sample;
}

Summary summarize_field(const std::vector<BenchSample>& samples, double BenchSample::*field) {
  std::vector<double> values;
  for (const BenchSample& sample : samples) values.push_back(sample.*field);
  return summarize(values);
}

}  // namespace

Result<BenchResult> run_bench(models::Model& model, const BenchOptions& options) {
  if (options.n_prompt < 0 || options.n_generate < 0 || options.depth < 0 ||
      options.n_repeats < 1) {
    return fail(ErrorCode::kInvalidArgument,
                "bench: token counts and depth are 0 or more, repeats 1 or more");
  }
  const int64_t needed =
      int64_t{options.depth} + std::max(options.n_prompt, options.n_generate + 1);
  if (needed > model.info().n_ctx) {
    return fail(ErrorCode::kContextExceeded,
                fmt::format("bench: {} positions needed, the context holds {}", needed,
                            model.info().n_ctx));
  }
  Runner runner(model);
  BenchResult result;
  TRY(run_once(runner, options));
  for (int32_t i = 0; i < options.n_repeats; ++i) {
    result.samples.push_back(TRY(run_once(runner, options)));
    const auto done = static_cast<uint64_t>(i) + 1;
    if (options.progress && !options.progress(done, static_cast<uint64_t>(options.n_repeats)))
      break;
  }
  result.prompt_tokens_per_s = summarize_field(result.samples, &BenchSample::prompt_tokens_per_s);
  result.generation_tokens_per_s =
      summarize_field(result.samples, &BenchSample::generation_tokens_per_s);
  const double mean_depth = std::max(options.depth, 1) + options.n_generate / 2.0;
  result.generation_bytes_per_token =
      static_cast<double>(model.info().weight_bytes_per_token) +
      mean_depth * static_cast<double>(model.info().kv_bytes_per_position);
  return result;
}

}  // namespace hearth::lab
