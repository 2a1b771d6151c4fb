// Phi-3, 3.5 and 4: fused q, k, v and fused gate and up; long contexts by per-dimension divisors of
// the rotary frequencies.
#include "models/convert/decoder_keys.h"
#include "models/families/decoder.h"
#include "models/families/families.h"

namespace hearth::models {
namespace {

Result<Recipe> read(const HyperParameters& keys) {
  Recipe recipe = TRY(read_decoder(keys));
  RopeRecipe& rope = recipe.ropes[0];
  rope.scaling = RopeScaling::kLongRope;  // files do not say; the tensors of its divisors do
  rope.original_context = TRY(keys.count_or(Key::kRopeOriginalContext, recipe.trained_context));
  rope.magnitude = TRY(keys.number_or(Key::kRopeAttentionFactor, 1.0f));
  for (LayerRecipe& layer : recipe.layers) layer.mlp.is_fused = true;
  TRY(read_windows(keys, recipe, 0, 0));
  return recipe;
}

Result<void> convert(Conversion& conversion) {
  TRY(write_decoder_keys(conversion, {.epsilon = 1e-5}));
  TRY(write_windows(conversion, 0));
  TRY(name_decoder_tensors(conversion, /*pairs_heads=*/false));
  conversion.rename("model.layers.*.post_attention_layernorm", "blk.*.ffn_norm");
  conversion.rename("model.layers.*.self_attn.qkv_proj", "blk.*.attn_qkv");
  conversion.rename("model.layers.*.mlp.gate_up_proj", "blk.*.ffn_up");
  conversion.rename("model.layers.*.mlp.down_proj", "blk.*.ffn_down");
  return {};
}

constexpr std::string_view kHfClasses[] = {"Phi3ForCausalLM"};

}  // namespace

const Family kPhi3{"phi3", read, kHfClasses, convert};

}  // namespace hearth::models
