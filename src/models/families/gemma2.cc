// Gemma 2: capped scores and logits, a window on every other layer.
#include "models/families/families.h"
#include "models/families/gemma.h"

namespace hearth::models {
namespace {

constexpr int32_t kWindow = 4096, kPeriod = 2;  // where a file is silent

Result<Recipe> read(const HyperParameters& keys) {
  Recipe recipe = TRY(read_gemma(keys, 46));
  TRY(read_windows(keys, recipe, kWindow, kPeriod));
  return recipe;
}

Result<void> convert(Conversion& conversion) {
  const HfConfig& config = conversion.config();
  TRY(convert_gemma(conversion, {.head_dim = 256,
                                 .activation_key = "hidden_activation",
                                 .activations = {"gelu_pytorch_tanh"}}));
  TRY(write_windows(conversion, kPeriod));
  conversion.set_number(Key::kAttentionSoftcap,
                        TRY(config.number_or("attn_logit_softcapping", 0, 1e6, 0)));
  conversion.set_number(Key::kLogitSoftcap,
                        TRY(config.number_or("final_logit_softcapping", 0, 1e6, 0)));
  return {};
}

constexpr std::string_view kHfClasses[] = {"Gemma2ForCausalLM"};

}  // namespace

const Family kGemma2{"gemma2", read, kHfClasses, convert};

}  // namespace hearth::models
