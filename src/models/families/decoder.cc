#include "models/families/decoder.h"

#include <fmt/format.h>

#include <cmath>

#include "gguf/quote.h"
#include "models/rope.h"

namespace hearth::models {
namespace {

Result<float> read_factor(const HyperParameters& keys) {
  const Key key =
      keys.has(Key::kRopeScalingFactor) ? Key::kRopeScalingFactor : Key::kRopeScaleLinear;
  const float factor = TRY(keys.number_or(key, 1.0f));
  return factor > 0 ? factor : 1.0f;  // files write 0 for "none"
}

Result<void> read_yarn(const HyperParameters& keys, RopeRecipe& rope) {
  const float log_multiplier = TRY(keys.number_or(Key::kYarnLogMultiplier, 0.0f));
  rope.original_context = TRY(keys.count_or(Key::kRopeOriginalContext, rope.original_context));
  rope.extrapolation = TRY(keys.number_or(Key::kYarnExtrapolation, 1.0f));
  rope.beta_fast = TRY(keys.number_or(Key::kYarnBetaFast, 32.0f));
  rope.beta_slow = TRY(keys.number_or(Key::kYarnBetaSlow, 1.0f));
  rope.magnitude = TRY(keys.number_or(Key::kRopeAttentionFactor, 1.0f))
  *yarn_magnitude(rope.factor);
  if (log_multiplier > 0) rope.magnitude /= yarn_magnitude(rope.factor, log_multiplier);
  return {};
}

Result<RopeRecipe> read_rope(const HyperParameters& keys, int32_t head_dim, int32_t context) {
  RopeRecipe rope;
  rope.n_dims = TRY(keys.count_or(Key::kRopeDims, head_dim));
  if (rope.n_dims > head_dim || rope.n_dims % 2 != 0)
    return fail(ErrorCode::kInvalidFile,
                fmt::format("key '{}' is {}, expected an even number up to the head size {}",
                            keys.name(Key::kRopeDims), rope.n_dims, head_dim));
  rope.base = TRY(keys.number_or(Key::kRopeBase, 10000.0f));
  rope.factor = TRY(read_factor(keys));
  rope.original_context = context;
  const std::string kind = TRY(keys.text_or(Key::kRopeScalingType, "linear"));
  if (kind == "linear") {
    rope.scaling = rope.factor == 1 ? RopeScaling::kNone : RopeScaling::kLinear;
  } else if (kind == "yarn") {
    rope.scaling = RopeScaling::kYarn;
    TRY(read_yarn(keys, rope));
  } else if (kind == "longrope") {
    rope.scaling = RopeScaling::kLongRope;
    rope.original_context = TRY(keys.count_or(Key::kRopeOriginalContext, context));
    rope.magnitude = TRY(keys.number_or(Key::kRopeAttentionFactor, 1.0f));
  } else if (kind != "none") {
    return fail(ErrorCode::kUnsupported,
                fmt::format("key '{}' is {}, expected none, linear, yarn or longrope",
                            keys.name(Key::kRopeScalingType), gguf::quote(kind)));
  }
  return rope;
}

Result<int32_t> read_head_dim(const HyperParameters& keys, int32_t n_embd, int32_t n_heads) {
  if (!keys.has(Key::kKeyLength) && n_embd % n_heads != 0)
    return fail(ErrorCode::kInvalidFile,
                fmt::format("key '{}' is missing, and '{}' {} is no multiple of '{}' {}",
                            keys.name(Key::kKeyLength), keys.name(Key::kEmbeddingLength), n_embd,
                            keys.name(Key::kHeadCount), n_heads));
  const int32_t head_dim = TRY(keys.count_or(Key::kKeyLength, n_embd / n_heads));
  const int32_t value_dim = TRY(keys.count_or(Key::kValueLength, head_dim));
  if (value_dim != head_dim)
    return fail(ErrorCode::kUnsupported,
                fmt::format("key '{}' is {}, expected {} as in '{}'", keys.name(Key::kValueLength),
                            value_dim, head_dim, keys.name(Key::kKeyLength)));
  if (head_dim < 2)
    return fail(ErrorCode::kInvalidFile,
                fmt::format("'{}' {} over '{}' {} makes heads of {}, expected at least 2",
                            keys.name(Key::kEmbeddingLength), n_embd, keys.name(Key::kHeadCount),
                            n_heads, head_dim));
  return head_dim;
}

Result<void> check_groups(const HyperParameters& keys, int32_t n_heads, int32_t n_kv_heads) {
  if (n_heads % n_kv_heads == 0) return {};
  return fail(ErrorCode::kInvalidFile, fmt::format("key '{}' is {}, expected a divisor of '{}' {}",
                                                   keys.name(Key::kHeadCountKv), n_kv_heads,
                                                   keys.name(Key::kHeadCount), n_heads));
}

}  // namespace

Result<Recipe> read_decoder(const HyperParameters& keys, Key epsilon) {
  Recipe recipe;
  const int32_t n_layers = TRY(keys.count(Key::kBlockCount));
  recipe.n_embd = TRY(keys.count(Key::kEmbeddingLength));
  recipe.trained_context = TRY(keys.count(Key::kContextLength));
  recipe.epsilon = TRY(keys.number(epsilon));
  recipe.embedding_scale = TRY(keys.number_or(Key::kEmbeddingScale, 1.0f));
  recipe.residual_scale = TRY(keys.number_or(Key::kResidualScale, 1.0f));
  recipe.logit_softcap = TRY(keys.number_or(Key::kLogitSoftcap, 0.0f));

  const auto n_heads = TRY(keys.counts(Key::kHeadCount, n_layers));
  const auto n_kv_heads =
      keys.has(Key::kHeadCountKv) ? TRY(keys.counts(Key::kHeadCountKv, n_layers)) : n_heads;
  const auto n_ff = TRY(keys.counts(Key::kFeedForwardLength, n_layers));
  const int32_t head_dim = TRY(read_head_dim(keys, recipe.n_embd, n_heads[0]));
  recipe.ropes.push_back(TRY(read_rope(keys, head_dim, recipe.trained_context)));

  LayerRecipe layer;
  layer.attention.head_dim = head_dim;
  layer.attention.scale = TRY(keys.number_or(Key::kAttentionScale, 1.0f / std::sqrt(head_dim)));
  layer.attention.softcap = TRY(keys.number_or(Key::kAttentionSoftcap, 0.0f));
  for (size_t i = 0; i < static_cast<size_t>(n_layers); ++i) {
    TRY(check_groups(keys, n_heads[i], n_kv_heads[i]));
    layer.attention.n_heads = n_heads[i];
    layer.attention.n_kv_heads = n_kv_heads[i];
    layer.mlp.n_ff = n_ff[i];
    recipe.layers.push_back(layer);
  }
  return recipe;
}

Result<void> read_windows(const HyperParameters& keys, Recipe& recipe, int32_t fallback,
                          int32_t period) {
  const int32_t window = TRY(keys.count_or(Key::kWindow, fallback));
  const auto n_layers = static_cast<int32_t>(recipe.layers.size());
  std::vector<int32_t> pattern(recipe.layers.size(), period);
  if (keys.has(Key::kWindowPattern)) pattern = TRY(keys.counts(Key::kWindowPattern, n_layers));
  const bool is_flag_a_layer = keys.is_array(Key::kWindowPattern);
  for (int32_t i = 0; i < n_layers; ++i) {
    const int32_t value = pattern[static_cast<size_t>(i)];
    const bool has_window = is_flag_a_layer ? value != 0 : value == 0 || i % value < value - 1;
    if (has_window) recipe.layers[static_cast<size_t>(i)].attention.window = window;
  }
  return {};
}

Result<void> read_experts(const HyperParameters& keys, Recipe& recipe) {
  const int32_t n_experts = TRY(keys.count_or(Key::kExpertCount, 0));
  if (n_experts == 0) return {};
  const int32_t n_used = TRY(keys.count(Key::kExpertUsedCount));
  if (n_used < 1 || n_used > n_experts)
    return fail(ErrorCode::kInvalidFile,
                fmt::format("key '{}' is {}, expected 1 to {}, the number of experts",
                            keys.name(Key::kExpertUsedCount), n_used, n_experts));
  const float scale = TRY(keys.number_or(Key::kExpertWeightsScale, 1.0f));
  const bool normalizes = TRY(keys.flag_or(Key::kExpertWeightsNorm, true));
  for (LayerRecipe& layer : recipe.layers) {
    layer.mlp.kind = MlpKind::kExperts;
    layer.mlp.bias = Presence::kNever;
    layer.mlp.n_experts = n_experts;
    layer.mlp.n_used = n_used;
    layer.mlp.n_ff = TRY(keys.count_or(Key::kExpertFeedForwardLength, layer.mlp.n_ff));
    layer.mlp.weight_scale = scale > 0 ? scale : 1.0f;  // files write 0 for "none"
    layer.mlp.normalizes_weights = normalizes;
  }
  return {};
}

}  // namespace hearth::models
