#include "cli/generation_flags.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <limits>

namespace hearth::cli {
namespace {

using engine::Parameter;
using engine::SamplingOptions;

std::string flag_name(const char* parameter) {
  std::string flag = std::string("--") + parameter;
  std::replace(flag.begin(), flag.end(), '_', '-');
  return flag == "--temperature" ? "--temp,--temperature" : flag;
}

std::string flag_help(const Parameter& parameter) {
  if (parameter.kind != Parameter::Kind::kTexts) {
    return fmt::format("{} (default {})", parameter.help, parameter.fallback);
  }
  return parameter.help;
}

template <class Number>
bool parse_number(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> parts;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find(';', at), text.size());
    parts.emplace_back(text.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

// "ID=BIAS"
Result<void> set_bias(SamplingOptions& options, const std::string& text) {
  const size_t equals = text.find('=');
  engine::TokenId token = 0;
  double bias = 0;
  const bool is_good = equals != std::string::npos &&
                       parse_number(std::string_view(text).substr(0, equals), token) &&
                       parse_number(std::string_view(text).substr(equals + 1), bias);
  if (is_good) return options.set_logit_bias(token, bias);
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("--logit-bias: '{}' is not TOKEN=BIAS, as in 2=-inf", text));
}

}  // namespace

Result<void> set_parameter(engine::GenerateOptions& options, std::string_view name,
                           std::string_view value) {
  if (name == "stop") {
    options.stops = split(value);
    return {};
  }
  if (name != "num_predict") return options.sampling.set_text(name, value);
  int32_t n = 0;
  if (!parse_number(value, n) || n < -1) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("num_predict: '{}' is not a whole number from -1", value));
  }
  options.n_predict = n;
  return {};
}

std::string parameters_text(const engine::GenerateOptions& options) {
  std::string text;
  for (const Parameter& parameter : SamplingOptions::parameters()) {
    text += fmt::format("{:<22} {:?}\n", parameter.name, options.sampling.text(parameter.name));
  }
  text += fmt::format("{:<22} {}\n", "num_predict", options.n_predict);
  text += fmt::format("{:<22} {}\n", "stop", fmt::join(options.stops, ";"));
  return text;
}

void GenerationFlags::add_to(CLI::App& command) {
  for (const Parameter& parameter : SamplingOptions::parameters()) {
    CLI::Option* option = nullptr;
    if (parameter.kind == Parameter::Kind::kTexts) {
      option = command.add_option(flag_name(parameter.name), texts_[parameter.name],
                                  flag_help(parameter));
      option->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    } else {
      option = command.add_option(flag_name(parameter.name), numbers_[parameter.name],
                                  flag_help(parameter));
      option->type_name(parameter.kind == Parameter::Kind::kInteger ? "INT" : "FLOAT");
    }
    option->group("Sampling");
  }
  command.add_option("--logit-bias", biases_, "TOKEN=BIAS, added to a token's logit; -inf bans it")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->group("Sampling");
  command
      .add_option("-n,--num-predict,--n-predict", n_predict_,
                  "tokens of an answer at most; -1: until the context is full")
      ->check(CLI::Range(-1, std::numeric_limits<int32_t>::max()));
  command.add_option("--stop", stops_, "end the answer before this text; may be given again")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command
      .add_option("--logprobs", n_logprobs_,
                  "with --json: log-probabilities, with this many alternatives")
      ->check(CLI::Range(0, 1000));
  command.add_flag("--ignore-eos", ignores_end_, "go on after a token that ends an answer");
  command
      .add_option("--speculate", speculation_,
                  "auto: run tokens that may well come next ahead of their turn where that is "
                  "faster, the answer being the same; or off")
      ->check(CLI::IsMember({"auto", "off"}))
      ->capture_default_str();
}

Result<engine::GenerateOptions> GenerationFlags::options() const {
  engine::GenerateOptions options;
  for (const auto& [name, value] : numbers_) {
    if (value) TRY(options.sampling.set_text(name, *value));
  }
  for (const auto& [name, values] : texts_) {
    if (values.empty()) continue;
    TRY(name == "samplers"
            ? options.sampling.set_text(name, fmt::format("{}", fmt::join(values, ";")))
            : options.sampling.set(name, values));
  }
  for (const std::string& bias : biases_) TRY(set_bias(options.sampling, bias));
  options.stops = stops_;
  options.n_predict = n_predict_;
  options.n_logprobs = n_logprobs_;
  options.ignores_end = ignores_end_;
  options.speculation =
      speculation_ == "off" ? engine::Speculation::kOff : engine::Speculation::kAuto;
  return options;
}

}  // namespace hearth::cli
