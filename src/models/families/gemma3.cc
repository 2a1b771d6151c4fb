// Gemma 3: q and k normed, five layers with a window and a rotary base of their own to one without.
// Of multimodal checkpoints the text model is converted.
#include "models/families/families.h"
#include "models/families/gemma.h"

namespace hearth::models {
namespace {

constexpr int32_t kPeriod = 6;  // where a file is silent
constexpr float kWindowBase = 10000.0f;

Result<Recipe> read(const HyperParameters& keys) {
  Recipe recipe = TRY(read_gemma(keys, 62));
  TRY(read_windows(keys, recipe, 0, kPeriod));
  RopeRecipe local;
  local.n_dims = recipe.ropes[0].n_dims;
  local.base = TRY(keys.number_or(Key::kRopeWindowBase, kWindowBase));
  local.has_factors = false;
  recipe.ropes.push_back(local);
  for (LayerRecipe& layer : recipe.layers) {
    layer.attention.has_qk_norm = true;
    if (layer.attention.window > 0) layer.attention.rope = 1;
  }
  return recipe;
}

// The rotary base of layers with a window: rope_parameters, or the older rope_local_base_freq.
Result<void> write_window_rope(Conversion& conversion, const HfDefaults& defaults) {
  const HfConfig& config = conversion.config();
  double base = TRY(config.number_or("rope_local_base_freq", 2, 1e12, kWindowBase));
  if (config.has("rope_parameters")) {
    HfDefaults local = defaults;
    local.rope_theta = base;
    const HfRope rope = TRY(read_hf_rope(config, local, "sliding_attention"));
    if (rope.type != "default")
      return fail(ErrorCode::kUnsupported,
                  "config.json: a scaled rotary embedding in layers with a window");
    base = rope.theta;
  }
  conversion.set_number(Key::kRopeWindowBase, base);
  return {};
}

// Checkpoints of before layer_types say every how manieth layer sees everything.
Result<void> write_gemma3_windows(Conversion& conversion) {
  const HfConfig& config = conversion.config();
  if (config.has("layer_types")) return write_windows(conversion, kPeriod);
  conversion.set_count(Key::kWindow, TRY(config.integer_or("sliding_window", 1, 1 << 30, 4096)));
  const int64_t period = TRY(config.integer_or("sliding_window_pattern", 1, 512, kPeriod));
  if (period != kPeriod) conversion.set_count(Key::kWindowPattern, period);
  return {};
}

Result<void> convert(Conversion& conversion) {
  const HfConfig& config = conversion.config();
  const HfDefaults defaults{.n_heads = 8,
                            .n_kv_heads = 4,
                            .head_dim = 256,
                            .context = 131072,
                            .rope_theta = 1e6,
                            .activation_key = "hidden_activation",
                            .activations = {"gelu_pytorch_tanh"}};
  conversion.ignore("vision_tower.");
  conversion.ignore("multi_modal_projector.");
  conversion.ignore("model.vision_tower.");
  conversion.ignore("model.multi_modal_projector.");
  conversion.strip("language_model.");
  TRY(convert_gemma(conversion, defaults));
  TRY(write_window_rope(conversion, defaults));
  TRY(write_gemma3_windows(conversion));
  for (const Key cap : {Key::kAttentionSoftcap, Key::kLogitSoftcap}) {
    const char* name =
        cap == Key::kLogitSoftcap ? "final_logit_softcapping" : "attn_logit_softcapping";
    if (config.has(name)) conversion.set_number(cap, TRY(config.number(name, 0, 1e6)));
  }
  conversion.rename("model.layers.*.self_attn.q_norm", "blk.*.attn_q_norm", Change::kAddOne);
  conversion.rename("model.layers.*.self_attn.k_norm", "blk.*.attn_k_norm", Change::kAddOne);
  return {};
}

constexpr std::string_view kHfClasses[] = {"Gemma3ForCausalLM", "Gemma3ForConditionalGeneration"};

}  // namespace

const Family kGemma3{"gemma3", read, kHfClasses, convert};

}  // namespace hearth::models
