// Phi-2: layer norms, biases everywhere, plain GELU MLPs, attention and MLP side by side, a rotary
// embedding over part of each head.
#include "models/convert/decoder_keys.h"
#include "models/families/decoder.h"
#include "models/families/families.h"

namespace hearth::models {
namespace {

Result<Recipe> read(const HyperParameters& keys) {
  Recipe recipe = TRY(read_decoder(keys, Key::kLayerNormEpsilon));
  recipe.norm = compute::NormKind::kLayer;
  recipe.norm_bias = Presence::kRequired;
  recipe.is_parallel = true;
  recipe.output_bias = Presence::kRequired;
  recipe.may_tie_output = false;
  for (LayerRecipe& layer : recipe.layers) {
    layer.attention.qkv_bias = layer.attention.output_bias = Presence::kRequired;
    layer.mlp.kind = MlpKind::kPlain;
    layer.mlp.activation = compute::Activation::kGeluTanh;
    layer.mlp.bias = Presence::kRequired;
  }
  return recipe;
}

Result<void> convert(Conversion& conversion) {
  TRY(conversion.config().require_flag("qk_layernorm", false));
  TRY(conversion.config().require_flag("tie_word_embeddings", false));
  TRY(write_decoder_keys(conversion, {.epsilon = 1e-5,
                                      .epsilon_key = "layer_norm_eps",
                                      .epsilon_gguf = Key::kLayerNormEpsilon,
                                      .activations = {"gelu_new", "gelu_pytorch_tanh"},
                                      .rotary_share = 0.5}));
  TRY(name_decoder_tensors(conversion, /*pairs_heads=*/false));
  conversion.rename("model.final_layernorm", "output_norm");
  conversion.rename("model.layers.*.self_attn.dense", "blk.*.attn_output");
  conversion.rename("model.layers.*.mlp.fc1", "blk.*.ffn_up");
  conversion.rename("model.layers.*.mlp.fc2", "blk.*.ffn_down");
  return {};
}

constexpr std::string_view kHfClasses[] = {"PhiForCausalLM"};

}  // namespace

const Family kPhi2{"phi2", read, kHfClasses, convert};

}  // namespace hearth::models
