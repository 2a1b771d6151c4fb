// The settings of an answer by name: flags of a command line, and `/set parameter`.
#pragma once

#include <CLI/CLI.hpp>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/session.h"

namespace hearth::cli {

// Sets a sampling parameter, `num_predict` or `stop` (texts separated by `;`) from text.
// kInvalidArgument names the parameter, the value and what is wanted.
Result<void> set_parameter(engine::GenerateOptions& options, std::string_view name,
                           std::string_view value);

// Every parameter with its value, one a line, for people.
std::string parameters_text(const engine::GenerateOptions& options);

// One flag a sampling parameter (`top_p` is --top-p), and -n, --stop, --logit-bias, --ignore-eos,
// --speculate.
class GenerationFlags {
 public:
  // Must live until parsing is over.
  void add_to(CLI::App& command);
  Result<engine::GenerateOptions> options() const;

 private:
  std::map<std::string, std::optional<std::string>> numbers_;  // by parameter name
  std::map<std::string, std::vector<std::string>> texts_;
  std::vector<std::string> stops_, biases_;
  int32_t n_predict_ = -1;
  int32_t n_logprobs_ = -1;
  bool ignores_end_ = false;
  std::string speculation_ = "auto";
};

}  // namespace hearth::cli
