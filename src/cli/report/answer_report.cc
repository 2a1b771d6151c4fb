#include "cli/report/answer_report.h"

#include <fmt/format.h>

#include "base/print.h"
#include "lab/memory_bandwidth.h"

namespace hearth::cli {
namespace {

// Bytes a second that the model's steps read: the weights, and the KV cache at its mean length.
double generation_bytes_per_s(const Chat& chat, const Answer& answer) {
  const models::ModelInfo& info = chat.model().info();
  const int64_t mean_position = answer.stats.n_prompt + answer.stats.n_generated / 2;
  const auto bytes =
      static_cast<double>(info.weight_bytes_per_token + info.kv_bytes_read(mean_position));
  return bytes * answer.stats.generation_steps_per_s();
}

nlohmann::ordered_json logprobs_json(const Answer& answer) {
  auto list = nlohmann::ordered_json::array();
  for (const engine::Logprobs& entry : answer.logprobs) {
    auto top = nlohmann::ordered_json::array();
    for (const engine::TokenLogprob& other : entry.top) {
      top.push_back({{"token", other.token}, {"logprob", other.logprob}});
    }
    list.push_back(
        {{"token", entry.chosen.token}, {"logprob", entry.chosen.logprob}, {"top", top}});
  }
  return list;
}

}  // namespace

void AnswerReport::print(const Chat& chat, const Answer& answer) {
  const engine::GenerateStats& stats = answer.stats;
  if (!bandwidth_) {
    const auto measured = lab::measure_read_bandwidth(chat.n_threads());
    bandwidth_ = measured ? *measured : 0.0;
  }
  print_err(
      "\nprompt       {} tokens, {} of them cached, {:.1f} tokens/s\n"
      "first token  {:.3f} s\n"
      "generation   {} tokens, {:.1f} tokens/s; done: {}\n",
      stats.n_prompt, stats.n_cached, stats.prompt_tokens_per_s(), stats.first_token_s,
      stats.n_generated, stats.generation_tokens_per_s(), done_reason_name(answer.reason));
  if (chat.options.speculation != engine::Speculation::kOff) {
    print_err("run ahead    {} tokens, {} of them accepted; {} steps\n",
              stats.speculation.n_proposed, stats.speculation.n_accepted,
              stats.speculation.n_steps);
  }
  const double used = generation_bytes_per_s(chat, answer);
  if (*bandwidth_ > 0 && used > 0) {
    print_err("memory       {:.2f} GB/s, {:.0f}% of the {:.2f} GB/s that {} threads read\n",
              used / 1e9, 100 * used / *bandwidth_, *bandwidth_ / 1e9, chat.n_threads());
  }
}

nlohmann::ordered_json AnswerReport::json(const Chat& chat, const Answer& answer) const {
  const engine::GenerateStats& stats = answer.stats;
  nlohmann::ordered_json json = {{"model", chat.model_name()},
                                 {"text", answer.text},
                                 {"tokens", answer.tokens},
                                 {"done_reason", done_reason_name(answer.reason)},
                                 {"seed", stats.seed},
                                 {"prompt_tokens", stats.n_prompt},
                                 {"cached_tokens", stats.n_cached},
                                 {"generated_tokens", stats.n_generated},
                                 {"steps", stats.speculation.n_steps},
                                 {"proposed_tokens", stats.speculation.n_proposed},
                                 {"accepted_tokens", stats.speculation.n_accepted},
                                 {"first_token_s", stats.first_token_s},
                                 {"prompt_tokens_per_s", stats.prompt_tokens_per_s()},
                                 {"generation_tokens_per_s", stats.generation_tokens_per_s()},
                                 {"generation_bytes_per_s", generation_bytes_per_s(chat, answer)}};
  if (chat.options.n_logprobs >= 0) json["logprobs"] = logprobs_json(answer);
  return json;
}

}  // namespace hearth::cli
