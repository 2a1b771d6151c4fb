// A JSON object of a Hugging Face folder (config.json and others), read by typed, ranged getters.
// Errors name the file, the key, what was found and what was expected. null counts as absent.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hearth::models {

class HfConfig {
 public:
  // kNotFound if there is no such file; kInvalidFile beyond 64 MiB or if it is no JSON object.
  static Result<HfConfig> read(const std::string& path);
  static HfConfig empty();

  bool has(std::string_view key) const;
  std::vector<std::string> keys() const;

  Result<int64_t> integer(std::string_view key, int64_t least, int64_t most) const;
  Result<int64_t> integer_or(std::string_view key, int64_t least, int64_t most,
                             int64_t fallback) const;
  Result<double> number(std::string_view key, double least, double most) const;
  Result<double> number_or(std::string_view key, double least, double most, double fallback) const;
  Result<bool> flag_or(std::string_view key, bool fallback) const;
  Result<std::string> text(std::string_view key) const;
  Result<std::string> text_or(std::string_view key, std::string fallback) const;
  Result<std::vector<std::string>> texts(std::string_view key) const;
  Result<std::vector<float>> numbers(std::string_view key) const;
  Result<HfConfig> object(std::string_view key) const;  // kNotFound if absent

  // kUnsupported unless the key is absent or one of `known`.
  Result<void> require_text(std::string_view key, std::span<const std::string_view> known) const;
  Result<void> require_flag(std::string_view key, bool wanted) const;

  const nlohmann::json& root() const { return *json_; }
  const std::string& where() const { return where_; }

 private:
  HfConfig(std::shared_ptr<const nlohmann::json> json, std::string where)
      : json_(std::move(json)), where_(std::move(where)) {}
  const nlohmann::json* find(std::string_view key) const;  // null if absent or null
  Result<const nlohmann::json*> require(std::string_view key) const;
  std::unexpected<Error> wrong(std::string_view key, const nlohmann::json& found,
                               const std::string& expected) const;

  std::shared_ptr<const nlohmann::json> json_;
  std::string where_;  // "config.json", "config.json: text_config"
};

}  // namespace hearth::models
