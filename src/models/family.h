// One architecture family: how its GGUF files become a recipe, and how its Hugging Face checkpoints
// become GGUF files. Each is one file in families/ and one line in registry.cc.
#pragma once

#include <span>
#include <string_view>

#include "base/result.h"
#include "models/hyper_parameters.h"
#include "models/recipe.h"

namespace hearth::models {

class Conversion;

struct Family {
  std::string_view architecture;  // general.architecture
  Result<Recipe> (*read)(const HyperParameters& keys);

  std::span<const std::string_view> hf_classes;  // "LlamaForCausalLM", of config.json
  // Writes the family's keys and names its tensors.
  Result<void> (*convert)(Conversion& conversion);
};

}  // namespace hearth::models
