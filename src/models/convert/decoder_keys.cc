#include "models/convert/decoder_keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/log.h"
#include "gguf/quote.h"
#include "models/rope.h"

namespace hearth::models {
namespace {

constexpr int64_t kMaxContext = 1 << 30;

constexpr std::array<std::string_view, 17> kRopeKeys = {
    "rope_type",
    "type",
    "rope_theta",
    "factor",
    "beta_fast",
    "beta_slow",
    "mscale",
    "mscale_all_dim",
    "truncate",
    "attention_factor",
    "short_factor",
    "long_factor",
    "low_freq_factor",
    "high_freq_factor",
    "finetuned",
    "partial_rotary_factor",
    "original_max_position_embeddings",
};

Result<int32_t> head_count(const HfConfig& config, const HfDefaults& defaults) {
  if (defaults.n_heads == 0)
    return static_cast<int32_t>(TRY(config.integer("num_attention_heads", 1, 4096)));
  return static_cast<int32_t>(
      TRY(config.integer_or("num_attention_heads", 1, 4096, defaults.n_heads)));
}

Result<int64_t> original_context(const HfConfig& config, const HfRope& rope) {
  const int64_t context = TRY(config.integer("max_position_embeddings", 1, kMaxContext));
  const int64_t inner =
      TRY(rope.parameters.integer_or("original_max_position_embeddings", 1, kMaxContext, context));
  return config.integer_or("original_max_position_embeddings", 1, kMaxContext, inner);
}

Result<void> write_yarn(Conversion& conversion, const HfRope& rope) {
  const HfConfig& p = rope.parameters;
  TRY(p.require_flag("truncate", true));
  const auto factor = static_cast<float>(TRY(p.number("factor", 1, 1e6)));
  const double mscale = TRY(p.number_or("mscale", 0, 1e3, 0));
  const double mscale_all = TRY(p.number_or("mscale_all_dim", 0, 1e3, 0));
  double magnitude = yarn_magnitude(factor);
  if (mscale > 0 && mscale_all > 0)
    magnitude = yarn_magnitude(factor, static_cast<float>(mscale)) /
                yarn_magnitude(factor, static_cast<float>(mscale_all));
  magnitude = TRY(p.number_or("attention_factor", 1e-3, 1e3, magnitude));
  const double automatic = yarn_magnitude(factor);
  conversion.set_text(Key::kRopeScalingType, "yarn");
  conversion.set_number(Key::kRopeScalingFactor, factor);
  conversion.set_count(Key::kRopeOriginalContext, TRY(original_context(conversion.config(), rope)));
  if (magnitude != automatic)
    conversion.set_number(Key::kRopeAttentionFactor, magnitude / automatic);
  if (p.has("beta_fast"))
    conversion.set_number(Key::kYarnBetaFast, TRY(p.number("beta_fast", 1e-3, 1e6)));
  if (p.has("beta_slow"))
    conversion.set_number(Key::kYarnBetaSlow, TRY(p.number("beta_slow", 1e-3, 1e6)));
  return {};
}

Result<void> write_llama3(Conversion& conversion, const HfRope& rope, int32_t n_dims) {
  const HfConfig& p = rope.parameters;
  const Llama3Scaling scaling {
    .factor = TRY(p.number("factor", 1, 1e6))
    , .low_freq_factor = TRY(p.number("low_freq_factor", 1e-3, 1e6))
    , .high_freq_factor = TRY(p.number("high_freq_factor", 1e-3, 1e6))
    , .original_context = static_cast<double>(TRY(original_context(conversion.config(), rope)))
  };
  if (!(scaling.high_freq_factor > scaling.low_freq_factor))
    return fail(ErrorCode::kInvalidFile,
                fmt::format("{}: 'high_freq_factor' is {}, expected more than 'low_freq_factor' {}",
                            p.where(), scaling.high_freq_factor, scaling.low_freq_factor));
  conversion.add_tensor("rope_freqs.weight", llama3_divisors(scaling, rope.theta, n_dims));
  return {};
}

Result<void> write_longrope(Conversion& conversion, const HfRope& rope, int32_t n_dims) {
  const HfConfig& p = rope.parameters;
  const auto context = static_cast<double>(
      TRY(conversion.config().integer("max_position_embeddings", 1, kMaxContext)));
  const auto original = static_cast<double>(TRY(original_context(conversion.config(), rope)));
  const double factor = TRY(p.number_or("factor", 1e-3, 1e6, context / original));
  const double automatic = factor <= 1 ? 1.0 : std::sqrt(1 + std::log(factor) / std::log(original));
  conversion.set_count(Key::kRopeOriginalContext, static_cast<int64_t>(original));
  conversion.set_number(Key::kRopeAttentionFactor,
                        TRY(p.number_or("attention_factor", 1e-3, 1e3, automatic)));
  for (const std::string kind : {"long", "short"}) {
    std::vector<float> divisors = TRY(p.numbers(kind + "_factor"));
    if (divisors.size() != static_cast<size_t>(n_dims / 2))
      return fail(ErrorCode::kInvalidFile,
                  fmt::format("{}: '{}_factor' has {} numbers, expected {}", p.where(), kind,
                              divisors.size(), n_dims / 2));
    conversion.add_tensor("rope_factors_" + kind + ".weight", std::move(divisors));
  }
  return {};
}

Result<std::vector<bool>> windowed_layers(const HfConfig& config, size_t n_layers) {
  std::vector<bool> windowed(n_layers, true);
  if (config.has("layer_types")) {
    const auto types = TRY(config.texts("layer_types"));
    if (types.size() != n_layers)
      return fail(ErrorCode::kInvalidFile,
                  fmt::format("{}: 'layer_types' has {} entries, expected {}", config.where(),
                              types.size(), n_layers));
    for (size_t i = 0; i < n_layers; ++i) {
      windowed[i] = types[i] == "sliding_attention";
      if (!windowed[i] && types[i] != "full_attention")
        return fail(ErrorCode::kUnsupported,
                    fmt::format("{}: 'layer_types' holds {}, expected full_attention or "
                                "sliding_attention",
                                config.where(), gguf::quote(types[i])));
    }
  } else if (config.has("max_window_layers")) {
    const int64_t first = TRY(config.integer("max_window_layers", 0, 1 << 20));
    for (size_t i = 0; i < n_layers; ++i) windowed[i] = static_cast<int64_t>(i) >= first;
  }
  return windowed;
}

bool fits_period(const std::vector<bool>& windowed, size_t period) {
  for (size_t i = 0; i < windowed.size(); ++i)
    if (windowed[i] != (period == 0 || i % period < period - 1)) return false;
  return true;
}

}  // namespace

Result<HfRope> read_hf_rope(const HfConfig& config, const HfDefaults& defaults,
                            std::string_view layer_type) {
  HfRope rope;
  rope.theta = TRY(config.number_or("rope_theta", 2, 1e12, defaults.rope_theta));
  rope.rotary_share =
      TRY(config.number_or("partial_rotary_factor", 0.01, 1, defaults.rotary_share));
  const std::string_view key = config.has("rope_parameters") ? "rope_parameters" : "rope_scaling";
  if (!config.has(key)) return rope;
  rope.parameters = TRY(config.object(key));
  if (!layer_type.empty() && rope.parameters.has(layer_type))
    rope.parameters = TRY(rope.parameters.object(layer_type));
  const HfConfig& p = rope.parameters;
  for (const std::string& name : p.keys())
    if (std::ranges::find(kRopeKeys, name) == kRopeKeys.end())
      return fail(ErrorCode::kUnsupported,
                  fmt::format("{}: {} is a setting that Hearth does not know", p.where(),
                              gguf::quote(name)));
  rope.type = TRY(p.text_or("type", "default"));
  rope.type = TRY(p.text_or("rope_type", rope.type));
  rope.theta = TRY(p.number_or("rope_theta", 2, 1e12, rope.theta));
  rope.rotary_share = TRY(p.number_or("partial_rotary_factor", 0.01, 1, rope.rotary_share));
  return rope;
}

Result<void> write_rope(Conversion& conversion, const HfRope& rope, int32_t head_dim) {
  const auto n_dims = static_cast<int32_t>(head_dim * rope.rotary_share);
  conversion.set_count(Key::kRopeDims, n_dims);
  conversion.set_number(Key::kRopeBase, rope.theta);
  if (rope.type == "default") return {};
  const bool has_divisors = rope.parameters.has("long_factor");  // early Phi-3 says "yarn" or "su"
  if (rope.type == "yarn" && !has_divisors) return write_yarn(conversion, rope);
  if (rope.type == "llama3") return write_llama3(conversion, rope, n_dims);
  if (rope.type == "longrope" || rope.type == "su" || rope.type == "yarn")
    return write_longrope(conversion, rope, n_dims);
  if (rope.type != "linear")
    return fail(ErrorCode::kUnsupported,
                fmt::format("{}: rope type {} is unknown; Hearth converts default, linear, llama3, "
                            "longrope and yarn",
                            rope.parameters.where(), gguf::quote(rope.type)));
  conversion.set_text(Key::kRopeScalingType, "linear");
  conversion.set_number(Key::kRopeScalingFactor, TRY(rope.parameters.number("factor", 1, 1e6)));
  return {};
}

Result<int32_t> hf_head_dim(const HfConfig& config, const HfDefaults& defaults) {
  const int64_t hidden = TRY(config.integer("hidden_size", 1, 1 << 17));
  const int32_t n_heads = TRY(head_count(config, defaults));
  const int64_t fallback = defaults.head_dim ? defaults.head_dim : hidden / n_heads;
  return static_cast<int32_t>(TRY(config.integer_or("head_dim", 2, 4096, fallback)));
}

Result<void> write_decoder_keys(Conversion& conversion, const HfDefaults& defaults) {
  const HfConfig& config = conversion.config();
  if (config.has("quantization_config"))
    return fail(ErrorCode::kUnsupported,
                fmt::format("{}: the checkpoint is quantized ('quantization_config'); convert the "
                            "full-precision one",
                            config.where()));
  TRY(config.require_text(defaults.activation_key, defaults.activations));
  const int32_t n_heads = TRY(head_count(config, defaults));
  const int64_t kv_default = defaults.n_kv_heads ? defaults.n_kv_heads : n_heads;
  const int64_t n_kv_heads = TRY(config.integer_or("num_key_value_heads", 1, 4096, kv_default));
  const int32_t head_dim = TRY(hf_head_dim(config, defaults));
  const int64_t context = defaults.context
      ? TRY(config.integer_or("max_position_embeddings", 1, kMaxContext, defaults.context))
          : TRY(config.integer("max_position_embeddings", 1, kMaxContext));
          conversion.set_heads(n_heads, static_cast<int32_t>(n_kv_heads));
          conversion.set_count(Key::kVocabSize,
                               TRY(config.integer_or("vocab_size", 1, 1 << 30, 262208)));
          conversion.set_count(Key::kContextLength, context);
          conversion.set_count(Key::kEmbeddingLength,
                               TRY(config.integer("hidden_size", 1, 1 << 17)));
          conversion.set_count(Key::kBlockCount, TRY(config.integer("num_hidden_layers", 1, 512)));
          conversion.set_count(Key::kFeedForwardLength,
                               TRY(config.integer("intermediate_size", 1, 1 << 20)));
          conversion.set_count(Key::kHeadCount, n_heads);
          conversion.set_count(Key::kHeadCountKv, n_kv_heads);
          conversion.set_count(Key::kKeyLength, head_dim);
          conversion.set_count(Key::kValueLength, head_dim);
          conversion.set_number(
              defaults.epsilon_gguf,
              TRY(config.number_or(defaults.epsilon_key, 0, 0.5, defaults.epsilon)));
          return write_rope(conversion, TRY(read_hf_rope(config, defaults, "full_attention")),
                            head_dim);
}

Result<void> write_windows(Conversion& conversion, int32_t period) {
  const HfConfig& config = conversion.config();
  if (!config.has("sliding_window") || !TRY(config.flag_or("use_sliding_window", true))) return {};
  const auto n_layers = static_cast<size_t>(TRY(config.integer("num_hidden_layers", 1, 512)));
  const auto windowed = TRY(windowed_layers(config, n_layers));
  conversion.set_count(Key::kWindow, TRY(config.integer("sliding_window", 1, kMaxContext)));
  if (!fits_period(windowed, static_cast<size_t>(period)))
    conversion.set_flags(Key::kWindowPattern, windowed);
  return {};
}

Result<void> name_decoder_tensors(Conversion& conversion, bool pairs_heads) {
  const std::string in = "model.layers.*.", out = "blk.*.";
  conversion.rename("model.embed_tokens", "token_embd");
  conversion.rename("model.norm", "output_norm");
  if (TRY(conversion.config().flag_or("tie_word_embeddings", false))) {
    conversion.ignore("lm_head.");
  } else {
    conversion.rename("lm_head", "output");
    conversion.require("output.weight");
  }
  conversion.rename(in + "input_layernorm", out + "attn_norm");
  conversion.rename(in + "self_attn.q_proj", out + "attn_q",
                    pairs_heads ? Change::kPairQ : Change::kNone);
  conversion.rename(in + "self_attn.k_proj", out + "attn_k",
                    pairs_heads ? Change::kPairKv : Change::kNone);
  conversion.rename(in + "self_attn.v_proj", out + "attn_v");
  conversion.rename(in + "self_attn.o_proj", out + "attn_output");
  return {};
}

void name_gated_mlp(Conversion& conversion) {
  for (const std::string kind : {"gate", "up", "down"})
    conversion.rename("model.layers.*.mlp." + kind + "_proj", "blk.*.ffn_" + kind);
}

}  // namespace hearth::models
