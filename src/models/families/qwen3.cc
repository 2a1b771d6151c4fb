// Qwen3 and Qwen3-MoE: every head of q and k normed before the rotary embedding.
#include "models/convert/decoder_keys.h"
#include "models/families/decoder.h"
#include "models/families/families.h"

namespace hearth::models {
namespace {

Result<Recipe> read(const HyperParameters& keys) {
  Recipe recipe = TRY(read_decoder(keys));
  for (LayerRecipe& layer : recipe.layers) layer.attention.has_qk_norm = true;
  TRY(read_windows(keys, recipe, 0, 0));
  return recipe;
}

Result<Recipe> read_moe(const HyperParameters& keys) {
  Recipe recipe = TRY(read(keys));
  TRY(keys.count(Key::kExpertCount));
  TRY(read_experts(keys, recipe));
  return recipe;
}

Result<void> convert_attention(Conversion& conversion) {
  TRY(write_decoder_keys(conversion, {.head_dim = 128}));
  if (TRY(conversion.config().flag_or("use_sliding_window", false)))
    TRY(write_windows(conversion, 0));
  TRY(name_decoder_tensors(conversion, /*pairs_heads=*/false));
  conversion.rename("model.layers.*.self_attn.q_norm", "blk.*.attn_q_norm");
  conversion.rename("model.layers.*.self_attn.k_norm", "blk.*.attn_k_norm");
  conversion.rename("model.layers.*.post_attention_layernorm", "blk.*.ffn_norm");
  return {};
}

Result<void> convert(Conversion& conversion) {
  TRY(convert_attention(conversion));
  name_gated_mlp(conversion);
  return {};
}

Result<void> check_all_layers_have_experts(const HfConfig& config) {
  if (TRY(config.integer_or("decoder_sparse_step", 1, 512, 1)) != 1)
    return fail(ErrorCode::kUnsupported,
                "config.json: 'decoder_sparse_step' above 1: dense layers among the experts'");
  if (config.has("mlp_only_layers") && !TRY(config.numbers("mlp_only_layers")).empty())
    return fail(ErrorCode::kUnsupported,
                "config.json: 'mlp_only_layers': dense layers among the experts'");
  return {};
}

Result<void> convert_moe(Conversion& conversion) {
  const HfConfig& config = conversion.config();
  TRY(check_all_layers_have_experts(config));
  TRY(convert_attention(conversion));
  const std::string_view count = config.has("num_experts") ? "num_experts" : "num_local_experts";
  conversion.set_count(Key::kExpertCount, TRY(config.integer(count, 1, 1024)));
  conversion.set_count(Key::kExpertUsedCount, TRY(config.integer("num_experts_per_tok", 1, 1024)));
  conversion.set_count(Key::kExpertFeedForwardLength,
                       TRY(config.integer("moe_intermediate_size", 1, 1 << 20)));
  conversion.set_flag(Key::kExpertWeightsNorm, TRY(config.flag_or("norm_topk_prob", false)));
  conversion.rename("model.layers.*.mlp.gate", "blk.*.ffn_gate_inp");
  for (const std::string kind : {"gate", "up", "down"})
    conversion.rename("model.layers.*.mlp.experts.#." + kind + "_proj",
                      "blk.*.ffn_" + kind + "_exps");
  return {};
}

constexpr std::string_view kHfClasses[] = {"Qwen3ForCausalLM"};
constexpr std::string_view kMoeHfClasses[] = {"Qwen3MoeForCausalLM"};

}  // namespace

const Family kQwen3{"qwen3", read, kHfClasses, convert};
const Family kQwen3Moe{"qwen3moe", read_moe, kMoeHfClasses, convert_moe};

}  // namespace hearth::models
