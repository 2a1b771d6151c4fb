// What nearly every family's config.json and checkpoint say alike, the other way round from
// families/decoder.h.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "models/convert/conversion.h"

namespace hearth::models {

// Values that `transformers` assumes where config.json is silent; 0: the key is required, or
// follows from others (n_kv_heads from n_heads, head_dim from hidden_size).
struct HfDefaults {
  int32_t n_heads = 0, n_kv_heads = 0, head_dim = 0;
  int32_t context = 0;
  double rope_theta = 10000.0;
  double epsilon = 1e-6;
  std::string_view epsilon_key = "rms_norm_eps";
  Key epsilon_gguf = Key::kRmsEpsilon;
  std::string_view activation_key = "hidden_act";
  std::vector<std::string_view> activations = {"silu"};
  double rotary_share = 1.0;  // partial_rotary_factor
};

struct HfRope {
  std::string type = "default";
  double theta = 0;
  double rotary_share = 1.0;
  HfConfig parameters = HfConfig::empty();  // factor and the like
};

// rope_parameters, flat or for one layer type ("full_attention"), or the older rope_scaling and
// rope_theta. An unknown key in it is an error.
Result<HfRope> read_hf_rope(const HfConfig& config, const HfDefaults& defaults,
                            std::string_view layer_type = "");

// Sizes, heads, epsilon, context and the rotary embedding; and the vocabulary size, which llama.cpp
// needs where a file has no tokenizer.
Result<void> write_decoder_keys(Conversion& conversion, const HfDefaults& defaults);

// The keys and tensors of the rotary embedding alone.
Result<void> write_rope(Conversion& conversion, const HfRope& rope, int32_t head_dim);

// attention.sliding_window and, unless it is `period` (see read_windows), its pattern. Windows come
// from sliding_window and layer_types; without layer_types every layer has it, or, with
// max_window_layers, those from that one on. use_sliding_window false: none.
Result<void> write_windows(Conversion& conversion, int32_t period);

// embed_tokens, norm, lm_head, layers.*.self_attn.{q,k,v,o}_proj, input_layernorm. qk: how rows of
// q and k change.
Result<void> name_decoder_tensors(Conversion& conversion, bool pairs_heads);
void name_gated_mlp(Conversion& conversion);  // layers.*.mlp.{gate,up,down}_proj

Result<int32_t> hf_head_dim(const HfConfig& config, const HfDefaults& defaults);

}  // namespace hearth::models
