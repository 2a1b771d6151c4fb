#include "models/families/gemma.h"

#include <cmath>

namespace hearth::models {

Result<Recipe> read_gemma(const HyperParameters& keys, size_t n_layers_27b) {
  Recipe recipe = TRY(read_decoder(keys));
  // Checkpoints run in bfloat16 round this factor to it; the f32 value is that of the f32 reference
  // and of other GGUF programs.
  recipe.embedding_scale = std::sqrt(static_cast<float>(recipe.n_embd));
  recipe.has_post_norms = true;
  const bool is_27b = recipe.layers.size() == n_layers_27b && !keys.has(Key::kAttentionScale);
  for (LayerRecipe& layer : recipe.layers) {
    layer.mlp.activation = compute::Activation::kGeluTanh;
    const int32_t share = recipe.n_embd / layer.attention.n_heads;
    if (is_27b && share > 0) layer.attention.scale = 1.0f / std::sqrt(static_cast<float>(share));
  }
  return recipe;
}

Result<void> convert_gemma(Conversion& conversion, const HfDefaults& defaults) {
  const HfConfig& config = conversion.config();
  TRY(config.require_flag("use_bidirectional_attention", false));
  TRY(write_decoder_keys(conversion, defaults));
  const double head_dim = TRY(hf_head_dim(config, defaults));
  const double scalar = TRY(config.number_or("query_pre_attn_scalar", 1, 1e6, 256));
  if (scalar != head_dim) conversion.set_number(Key::kAttentionScale, 1 / std::sqrt(scalar));

  conversion.ignore("lm_head.");
  TRY(name_decoder_tensors(conversion, /*pairs_heads=*/false));
  name_gated_mlp(conversion);
  const std::string in = "model.layers.*.";
  conversion.rename("model.norm", "output_norm", Change::kAddOne);
  conversion.rename(in + "input_layernorm", "blk.*.attn_norm", Change::kAddOne);
  conversion.rename(in + "post_attention_layernorm", "blk.*.post_attention_norm", Change::kAddOne);
  conversion.rename(in + "pre_feedforward_layernorm", "blk.*.ffn_norm", Change::kAddOne);
  conversion.rename(in + "post_feedforward_layernorm", "blk.*.post_ffw_norm", Change::kAddOne);
  return {};
}

}  // namespace hearth::models
