// Qwen2 and Qwen2.5: Llama's shape with biases on q, k and v.
#include "models/convert/decoder_keys.h"
#include "models/families/decoder.h"
#include "models/families/families.h"

namespace hearth::models {
namespace {

Result<Recipe> read(const HyperParameters& keys) {
  Recipe recipe = TRY(read_decoder(keys));
  for (LayerRecipe& layer : recipe.layers) layer.attention.qkv_bias = Presence::kRequired;
  TRY(read_windows(keys, recipe, 0, 0));
  return recipe;
}

Result<void> convert(Conversion& conversion) {
  TRY(write_decoder_keys(conversion, {}));
  if (TRY(conversion.config().flag_or("use_sliding_window", false)))
    TRY(write_windows(conversion, 0));
  TRY(name_decoder_tensors(conversion, /*pairs_heads=*/false));
  conversion.rename("model.layers.*.post_attention_layernorm", "blk.*.ffn_norm");
  name_gated_mlp(conversion);
  return {};
}

constexpr std::string_view kHfClasses[] = {"Qwen2ForCausalLM"};

}  // namespace

const Family kQwen2{"qwen2", read, kHfClasses, convert};

}  // namespace hearth::models
