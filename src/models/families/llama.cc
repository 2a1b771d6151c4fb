// Llama 1 to 3.x, Mistral, Mixtral, SmolLM2: one GGUF architecture. Its q and k rows are reordered
// so that rotary pairs are neighbours, unlike in the checkpoints.
#include "models/convert/decoder_keys.h"
#include "models/families/decoder.h"
#include "models/families/families.h"

namespace hearth::models {
namespace {

Result<Recipe> read(const HyperParameters& keys) {
  Recipe recipe = TRY(read_decoder(keys));
  recipe.ropes[0].is_neox = false;
  TRY(read_windows(keys, recipe, 0, 0));
  TRY(read_experts(keys, recipe));
  return recipe;
}

void name_experts(Conversion& conversion) {
  const std::string in = "model.layers.*.block_sparse_moe.";
  conversion.rename(in + "gate", "blk.*.ffn_gate_inp");
  conversion.rename(in + "experts.#.w1", "blk.*.ffn_gate_exps");
  conversion.rename(in + "experts.#.w2", "blk.*.ffn_down_exps");
  conversion.rename(in + "experts.#.w3", "blk.*.ffn_up_exps");
}

Result<void> convert(Conversion& conversion) {
  const HfConfig& config = conversion.config();
  const bool has_experts = config.has("num_local_experts");
  TRY(write_decoder_keys(conversion, {.rope_theta = has_experts ? 1e6 : 1e4}));
  TRY(write_windows(conversion, 0));
  TRY(name_decoder_tensors(conversion, /*pairs_heads=*/true));
  conversion.rename("model.layers.*.post_attention_layernorm", "blk.*.ffn_norm");
  name_gated_mlp(conversion);
  if (!has_experts) return {};
  conversion.set_count(Key::kExpertCount, TRY(config.integer("num_local_experts", 1, 1024)));
  conversion.set_count(Key::kExpertUsedCount, TRY(config.integer("num_experts_per_tok", 1, 1024)));
  name_experts(conversion);
  return {};
}

constexpr std::string_view kHfClasses[] = {"LlamaForCausalLM", "LLaMAForCausalLM",
                                           "MistralForCausalLM", "MixtralForCausalLM"};

}  // namespace

const Family kLlama{"llama", read, kHfClasses, convert};

}  // namespace hearth::models
