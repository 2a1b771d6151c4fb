#include "engine/sampling/options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/check.h"

namespace hearth::engine {
namespace {

constexpr size_t kMaxTextBytes = 1024;  // of one text
constexpr size_t kMaxBiases = 4096;

constexpr Parameter kSeed = {"seed",       Parameter::Kind::kInteger,
                             -1,           -1,
                             4294967295.0, "seed of the random draws; -1: a new one each time"};

std::vector<Parameter> make_parameters() {
  static std::vector<const char*> order;
  std::vector<Parameter> all;
  for (const SamplerKind* kind : all_samplers()) {
    all.insert(all.end(), kind->parameters.begin(), kind->parameters.end());
    if (kind->role != SamplerKind::Role::kFeedback) order.push_back(kind->name);
  }
  all.push_back(kSeed);
  all.push_back({"samplers", Parameter::Kind::kTexts, 0, 0, static_cast<double>(order.size()),
                 "samplers in the order in which they act", order});
  return all;
}

size_t index_of(std::string_view name, Parameter::Kind kind_wanted) {
  const Parameter* found = SamplingOptions::find(name);
  CHECK(found != nullptr);
  const bool is_texts = found->kind == Parameter::Kind::kTexts;
  CHECK(is_texts == (kind_wanted == Parameter::Kind::kTexts));
  return static_cast<size_t>(found - SamplingOptions::parameters().data());
}

Result<const Parameter*> require(std::string_view name) {
  if (const Parameter* found = SamplingOptions::find(name)) return found;
  std::vector<const char*> known;
  for (const Parameter& parameter : SamplingOptions::parameters()) known.push_back(parameter.name);
  return fail(ErrorCode::kInvalidArgument, fmt::format("unknown sampling parameter '{}'; known: {}",
                                                       name, fmt::join(known, ", ")));
}

Result<void> check_order(const std::vector<std::string>& names) {
  for (size_t i = 0; i < names.size(); ++i) {
    const auto known = SamplingOptions::find("samplers")->fallback_texts;
    if (std::none_of(known.begin(), known.end(), [&](const char* k) { return names[i] == k; })) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("samplers: unknown sampler '{}'; known: {}", names[i],
                              fmt::join(known, ", ")));
    }
    if (std::find(names.begin(), names.begin() + static_cast<ptrdiff_t>(i), names[i]) !=
        names.begin() + static_cast<ptrdiff_t>(i)) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("samplers: '{}' is listed twice", names[i]));
    }
  }
  return {};
}

}  // namespace

std::span<const Parameter> SamplingOptions::parameters() {
  static const std::vector<Parameter> all = make_parameters();
  return all;
}

const Parameter* SamplingOptions::find(std::string_view name) {
  for (const Parameter& parameter : parameters()) {
    if (name == parameter.name) return &parameter;
  }
  return nullptr;
}

SamplingOptions::SamplingOptions() {
  for (const Parameter& parameter : parameters()) {
    numbers_.push_back(parameter.fallback);
    texts_.emplace_back(parameter.fallback_texts.begin(), parameter.fallback_texts.end());
  }
}

Result<void> SamplingOptions::set(std::string_view name, double value) {
  const Parameter& parameter = *TRY(require(name));
  if (parameter.kind == Parameter::Kind::kTexts) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: a list of texts is wanted, not a number", name));
  }
  if (!(value >= parameter.least && value <= parameter.most)) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("{}: {} is out of range [{}, {}]", name,
                                                         value, parameter.least, parameter.most));
  }
  if (parameter.kind == Parameter::Kind::kInteger && value != std::floor(value)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: {} is not a whole number", name, value));
  }
  numbers_[index_of(name, parameter.kind)] = value;
  return {};
}

Result<void> SamplingOptions::set(std::string_view name, std::vector<std::string> texts) {
  const Parameter& parameter = *TRY(require(name));
  if (parameter.kind != Parameter::Kind::kTexts) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: one number is wanted, not a list", name));
  }
  if (static_cast<double>(texts.size()) > parameter.most) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("{}: {} entries, at most {} are taken",
                                                         name, texts.size(), parameter.most));
  }
  for (const std::string& text : texts) {
    if (text.empty() || text.size() > kMaxTextBytes) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("{}: an entry of {} bytes; 1 to {} are taken", name, text.size(),
                              kMaxTextBytes));
    }
  }
  if (name == "samplers") TRY(check_order(texts));
  texts_[index_of(name, parameter.kind)] = std::move(texts);
  return {};
}

Result<void> SamplingOptions::set_text(std::string_view name, std::string_view value) {
  const Parameter& parameter = *TRY(require(name));
  if (parameter.kind == Parameter::Kind::kTexts) {
    std::vector<std::string> texts;
    for (size_t at = 0; at < value.size();) {
      const size_t end = std::min(value.find(';', at), value.size());
      texts.emplace_back(value.substr(at, end - at));
      at = end + 1;
    }
    return set(name, std::move(texts));
  }
  double number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || end != value.data() + value.size()) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("{}: '{}' is not a number", name, value));
  }
  return set(name, number);
}

Result<void> SamplingOptions::set_logit_bias(TokenId token, double bias) {
  const bool is_ban = std::isinf(bias) && bias < 0;
  if (!is_ban && !(bias >= -100 && bias <= 100)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("logit_bias: {} is out of range [-100, 100] (or -inf)", bias));
  }
  if (token < 0) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("logit_bias: token {} is out of range", token));
  }
  if (logit_bias_.size() >= kMaxBiases && !logit_bias_.contains(token)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("logit_bias: more than {} tokens", kMaxBiases));
  }
  logit_bias_[token] = static_cast<float>(bias);
  return {};
}

double SamplingOptions::number(std::string_view name) const {
  return numbers_[index_of(name, Parameter::Kind::kNumber)];
}

const std::vector<std::string>& SamplingOptions::texts(std::string_view name) const {
  return texts_[index_of(name, Parameter::Kind::kTexts)];
}

std::string SamplingOptions::text(std::string_view name) const {
  const Parameter* parameter = find(name);
  CHECK(parameter != nullptr);
  if (parameter->kind == Parameter::Kind::kTexts) {
    return fmt::format("{}", fmt::join(texts(name), ";"));
  }
  return fmt::format("{}", number(name));
}

}  // namespace hearth::engine
