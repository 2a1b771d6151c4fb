// The settings of a sampling chain by name, each checked against its (least, most) when set.
// A value: copy it freely.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/sampling/sampler.h"

namespace hearth::engine {

class SamplingOptions {
 public:
  SamplingOptions();  // every parameter at its default

  // All parameters: those of every sampler, then `seed` and `samplers` (the order).
  static std::span<const Parameter> parameters();
  static const Parameter* find(std::string_view name);  // null if unknown

  // kInvalidArgument names parameter, value and range: "top_p: 1.5 is out of range [0, 1]".
  Result<void> set(std::string_view name, double value);
  Result<void> set(std::string_view name, std::vector<std::string> texts);
  // From text: a number, or texts separated by `;`.
  Result<void> set_text(std::string_view name, std::string_view value);
  // bias in [-100, 100], or -infinity, which bans the token.
  Result<void> set_logit_bias(TokenId token, double bias);

  // The name must be a parameter of that kind.
  double number(std::string_view name) const;
  int64_t integer(std::string_view name) const { return static_cast<int64_t>(number(name)); }
  const std::vector<std::string>& texts(std::string_view name) const;
  const std::map<TokenId, float>& logit_bias() const { return logit_bias_; }

  // As set_text() reads it.
  std::string text(std::string_view name) const;

 private:
  std::vector<double> numbers_;  // by index in parameters()
  std::vector<std::vector<std::string>> texts_;
  std::map<TokenId, float> logit_bias_;
};

}  // namespace hearth::engine
