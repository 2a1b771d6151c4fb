#include "models/builder.h"

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "models/rope.h"

namespace hearth::models {
namespace {

using compute::BufferId;
using compute::kNone;
using compute::Norm;

class Builder {
 public:
  Builder(const Recipe& recipe, int32_t n_ctx, Weights& weights)
      : recipe_(recipe), n_ctx_(n_ctx), weights_(weights) {}

  Result<Built> build();

 private:
  // What the layer at hand is called and made of.
  struct Layer {
    std::string prefix;  // "blk.3."
    int32_t index;
    const AttentionRecipe& attention;
    const MlpRecipe& mlp;
    std::optional<Norm> attention_norm, mlp_norm;
    BufferId q, attended, hidden;
  };

  Result<void> add_ropes();
  Result<std::vector<float>> rope_divisors(const RopeRecipe& rope);
  Result<void> add_layer(int32_t index);
  Result<void> add_attention(const Layer& layer);
  Result<void> add_fused_qkv(const Layer& layer, compute::QkvOp& op);
  Result<void> add_separate_qkv(const Layer& layer, compute::QkvOp& op);
  Result<void> add_attention_output(const Layer& layer);
  Result<void> add_mlp(const Layer& layer);
  Result<void> add_gated(const Layer& layer);
  Result<void> add_experts(const Layer& layer);
  Result<void> add_mlp_output(const Layer& layer);
  Result<void> add_output(compute::LinearOp op, const std::string& post_norm);
  Result<void> add_head();

  Result<Norm> norm(const std::string& name);
  Result<Norm> head_norm(const std::string& name, int32_t head_dim);
  BufferId buffer(const std::string& role, int64_t width);

  const Recipe& recipe_;
  int32_t n_ctx_;
  Weights& weights_;
  Built built_;
  std::map<std::pair<std::string, int64_t>, BufferId> buffers_;
  BufferId x_ = kNone;
};

BufferId Builder::buffer(const std::string& role, int64_t width) {
  auto& widths = built_.program.buffer_widths;
  const auto [it, is_new] =
      buffers_.try_emplace({role, width}, static_cast<BufferId>(widths.size()));
  if (is_new) widths.push_back(static_cast<int32_t>(width));
  return it->second;
}

Result<Norm> Builder::norm(const std::string& name) {
  return Norm {
    recipe_.norm, TRY(weights_.vector(name + ".weight", recipe_.n_embd))
    , TRY(weights_.vector(name + ".bias", recipe_.n_embd, recipe_.norm_bias))
    , recipe_.epsilon
  };
}

Result<Norm> Builder::head_norm(const std::string& name, int32_t head_dim) {
  return Norm {
    compute::NormKind::kRms, TRY(weights_.vector(name + ".weight", head_dim))
    , kNone, recipe_.epsilon
  };
}

Result<std::vector<float>> Builder::rope_divisors(const RopeRecipe& rope) {
  const int32_t n_pairs = rope.n_dims / 2;
  std::string name = "rope_freqs.weight";
  std::vector<float> divisors;
  const bool has_long = weights_.has("rope_factors_long.weight");
  if (rope.scaling == RopeScaling::kLongRope &&
      (has_long || weights_.has("rope_factors_short.weight"))) {
    const std::vector<float> longs = TRY(weights_.values("rope_factors_long.weight", n_pairs));
    const std::vector<float> shorts = TRY(weights_.values("rope_factors_short.weight", n_pairs));
    const bool is_long = n_ctx_ > rope.original_context;
    divisors = is_long ? longs : shorts;
    name = is_long ? "rope_factors_long.weight" : "rope_factors_short.weight";
  } else if (rope.has_factors && weights_.has(name)) {
    divisors = TRY(weights_.values(name, n_pairs));
  }
  for (const float divisor : divisors)
    if (!(divisor > 0) || !std::isfinite(divisor))
      return fail(ErrorCode::kInvalidFile,
                  fmt::format("tensor '{}' holds {}, expected positive numbers", name, divisor));
  return divisors;
}

Result<void> Builder::add_ropes() {
  for (const RopeRecipe& rope : recipe_.ropes)
    built_.program.ropes.push_back(make_rope(rope, TRY(rope_divisors(rope))));
  return {};
}

Result<void> Builder::add_fused_qkv(const Layer& layer, compute::QkvOp& op) {
  const AttentionRecipe& a = layer.attention;
  const int64_t q = int64_t{a.n_heads} * a.head_dim, kv = int64_t{a.n_kv_heads} * a.head_dim;
  const int64_t all = q + 2 * kv;
  const std::string weight = layer.prefix + "attn_qkv.weight",
                    bias = layer.prefix + "attn_qkv.bias";
  op.q = TRY(weights_.rows(weight, 0, q, all, recipe_.n_embd));
  op.k = TRY(weights_.rows(weight, q, kv, all, recipe_.n_embd));
  op.v = TRY(weights_.rows(weight, q + kv, kv, all, recipe_.n_embd));
  op.q_bias = TRY(weights_.part(bias, 0, q, all, a.qkv_bias));
  op.k_bias = TRY(weights_.part(bias, q, kv, all, a.qkv_bias));
  op.v_bias = TRY(weights_.part(bias, q + kv, kv, all, a.qkv_bias));
  return {};
}

Result<void> Builder::add_separate_qkv(const Layer& layer, compute::QkvOp& op) {
  const AttentionRecipe& a = layer.attention;
  const int64_t q = int64_t{a.n_heads} * a.head_dim, kv = int64_t{a.n_kv_heads} * a.head_dim;
  const std::string& p = layer.prefix;
  op.q = TRY(weights_.matrix(p + "attn_q.weight", q, recipe_.n_embd));
  op.k = TRY(weights_.matrix(p + "attn_k.weight", kv, recipe_.n_embd));
  op.v = TRY(weights_.matrix(p + "attn_v.weight", kv, recipe_.n_embd));
  op.q_bias = TRY(weights_.vector(p + "attn_q.bias", q, a.qkv_bias));
  op.k_bias = TRY(weights_.vector(p + "attn_k.bias", kv, a.qkv_bias));
  op.v_bias = TRY(weights_.vector(p + "attn_v.bias", kv, a.qkv_bias));
  return {};
}

Result<void> Builder::add_attention(const Layer& layer) {
  const AttentionRecipe& a = layer.attention;
  compute::QkvOp qkv{};
  qkv.in = x_;
  qkv.norm = layer.attention_norm;
  qkv.q_bias = qkv.k_bias = qkv.v_bias = kNone;
  if (weights_.has(layer.prefix + "attn_qkv.weight"))
    TRY(add_fused_qkv(layer, qkv));
  else
    TRY(add_separate_qkv(layer, qkv));
  if (a.has_qk_norm) {
    qkv.q_norm = TRY(head_norm(layer.prefix + "attn_q_norm", a.head_dim));
    qkv.k_norm = TRY(head_norm(layer.prefix + "attn_k_norm", a.head_dim));
  }
  qkv.rope = a.rope;
  qkv.n_heads = a.n_heads;
  qkv.n_kv_heads = a.n_kv_heads;
  qkv.head_dim = a.head_dim;
  qkv.q_out = layer.q;
  qkv.kv_layer = layer.index;
  built_.program.ops.emplace_back(std::move(qkv));
  built_.kv_layers.push_back({a.n_kv_heads, a.head_dim});

  compute::AttentionOp attention{};
  attention.q = layer.q;
  attention.out = layer.attended;
  attention.kv_layer = layer.index;
  attention.n_heads = a.n_heads;
  attention.n_kv_heads = a.n_kv_heads;
  attention.head_dim = a.head_dim;
  attention.scale = a.scale;
  attention.softcap = a.softcap;
  attention.window = a.window;
  attention.sinks = kNone;
  if (a.has_sinks)
    attention.sinks = TRY(weights_.vector(layer.prefix + "attn_sinks.weight", a.n_heads));
  built_.program.ops.emplace_back(attention);
  return {};
}

// A block's last product: into the residual stream, through the post norm where there is one.
Result<void> Builder::add_output(compute::LinearOp op, const std::string& post_norm) {
  op.out = x_;
  op.accumulate = true;
  op.scale = recipe_.residual_scale;
  if (!recipe_.has_post_norms) {
    built_.program.ops.emplace_back(op);
    return {};
  }
  op.out = buffer("block", recipe_.n_embd);
  op.accumulate = false;
  op.scale = 1.0f;
  built_.program.ops.emplace_back(op);
  built_.program.ops.emplace_back(compute::ResidualOp {
    op.out, TRY(norm(post_norm))
    , x_, recipe_.residual_scale
  });
  return {};
}

Result<void> Builder::add_attention_output(const Layer& layer) {
  const AttentionRecipe& a = layer.attention;
  const std::string name = layer.prefix + "attn_output";
  compute::LinearOp op{};
  op.in = layer.attended;
  op.weight =
      TRY(weights_.matrix(name + ".weight", recipe_.n_embd, int64_t{a.n_heads} * a.head_dim));
  op.bias = TRY(weights_.vector(name + ".bias", recipe_.n_embd, a.output_bias));
  return add_output(op, layer.prefix + "post_attention_norm");
}

Result<void> Builder::add_gated(const Layer& layer) {
  const MlpRecipe& mlp = layer.mlp;
  const int64_t n_ff = mlp.n_ff;
  const std::string up = layer.prefix + "ffn_up", gate = layer.prefix + "ffn_gate";
  compute::GatedOp op{};
  op.in = x_;
  op.norm = layer.mlp_norm;
  op.activation = mlp.activation;
  op.out = layer.hidden;
  if (mlp.is_fused) {
    op.gate = TRY(weights_.rows(up + ".weight", 0, n_ff, 2 * n_ff, recipe_.n_embd));
    op.up = TRY(weights_.rows(up + ".weight", n_ff, n_ff, 2 * n_ff, recipe_.n_embd));
    op.gate_bias = TRY(weights_.part(up + ".bias", 0, n_ff, 2 * n_ff, mlp.bias));
    op.up_bias = TRY(weights_.part(up + ".bias", n_ff, n_ff, 2 * n_ff, mlp.bias));
  } else {
    op.gate = TRY(weights_.matrix(gate + ".weight", n_ff, recipe_.n_embd));
    op.up = TRY(weights_.matrix(up + ".weight", n_ff, recipe_.n_embd));
    op.gate_bias = TRY(weights_.vector(gate + ".bias", n_ff, mlp.bias));
    op.up_bias = TRY(weights_.vector(up + ".bias", n_ff, mlp.bias));
  }
  built_.program.ops.emplace_back(std::move(op));
  return {};
}

Result<void> Builder::add_experts(const Layer& layer) {
  const MlpRecipe& mlp = layer.mlp;
  const std::string& p = layer.prefix;
  if (recipe_.has_post_norms)
    return fail(ErrorCode::kUnsupported, "a mixture of experts before a post norm");
  compute::MoeOp op{};
  op.in = x_;
  op.norm = layer.mlp_norm;
  op.router = TRY(weights_.matrix(p + "ffn_gate_inp.weight", mlp.n_experts, recipe_.n_embd));
  op.router_bias = TRY(weights_.vector(p + "ffn_gate_inp.bias", mlp.n_experts, mlp.bias));
  op.gate = TRY(weights_.experts(p + "ffn_gate", mlp, mlp.n_ff, recipe_.n_embd));
  op.up = TRY(weights_.experts(p + "ffn_up", mlp, mlp.n_ff, recipe_.n_embd));
  op.down = TRY(weights_.experts(p + "ffn_down", mlp, recipe_.n_embd, mlp.n_ff));
  op.n_experts = mlp.n_experts;
  op.n_used = mlp.n_used;
  op.gating = mlp.gating;
  op.normalize = mlp.normalizes_weights;
  op.weight_scale = mlp.weight_scale;
  op.activation = mlp.activation;
  op.out = x_;
  op.scale = recipe_.residual_scale;
  built_.program.ops.emplace_back(std::move(op));
  return {};
}

Result<void> Builder::add_mlp(const Layer& layer) {
  const MlpRecipe& mlp = layer.mlp;
  if (mlp.kind == MlpKind::kExperts) return add_experts(layer);
  if (mlp.kind == MlpKind::kGated) return add_gated(layer);
  const std::string name = layer.prefix + "ffn_up";
  compute::LinearOp op{};
  op.in = x_;
  op.norm = layer.mlp_norm;
  op.weight = TRY(weights_.matrix(name + ".weight", mlp.n_ff, recipe_.n_embd));
  op.bias = TRY(weights_.vector(name + ".bias", mlp.n_ff, mlp.bias));
  op.activation = mlp.activation;
  op.out = layer.hidden;
  built_.program.ops.emplace_back(op);
  return {};
}

Result<void> Builder::add_mlp_output(const Layer& layer) {
  if (layer.mlp.kind == MlpKind::kExperts) return {};
  const std::string name = layer.prefix + "ffn_down";
  compute::LinearOp op{};
  op.in = layer.hidden;
  op.weight = TRY(weights_.matrix(name + ".weight", recipe_.n_embd, layer.mlp.n_ff));
  op.bias = TRY(weights_.vector(name + ".bias", recipe_.n_embd, layer.mlp.bias));
  return add_output(op, layer.prefix + "post_ffw_norm");
}

Result<void> Builder::add_layer(int32_t index) {
  const LayerRecipe& recipe = recipe_.layers[static_cast<size_t>(index)];
  const int64_t q_width = int64_t{recipe.attention.n_heads} * recipe.attention.head_dim;
  Layer layer{fmt::format("blk.{}.", index),
              index,
              recipe.attention,
              recipe.mlp,
              {},
              {},
              buffer("q", q_width),
              buffer("attended", q_width),
              kNone};
  if (recipe.mlp.kind != MlpKind::kExperts) layer.hidden = buffer("hidden", recipe.mlp.n_ff);
  if (recipe_.has_pre_norms) {
    layer.attention_norm = TRY(norm(layer.prefix + "attn_norm"));
    layer.mlp_norm = layer.attention_norm;
    if (!recipe_.is_parallel) layer.mlp_norm = TRY(norm(layer.prefix + "ffn_norm"));
  }
  TRY(add_attention(layer));
  if (recipe_.is_parallel) {  // read x before either block adds to it
    TRY(add_mlp(layer));
    TRY(add_attention_output(layer));
  } else {
    TRY(add_attention_output(layer));
    TRY(add_mlp(layer));
  }
  return add_mlp_output(layer);
}

Result<void> Builder::add_head() {
  const bool is_tied = recipe_.may_tie_output && !weights_.has("output.weight");
  compute::LogitsOp op{};
  op.in = x_;
  op.norm = TRY(norm("output_norm"));
  op.weight = TRY(weights_.matrix(is_tied ? "token_embd.weight" : "output.weight",
                                  built_.program.n_vocab, recipe_.n_embd));
  op.bias = TRY(weights_.vector("output.bias", built_.program.n_vocab, recipe_.output_bias));
  op.scale = recipe_.logit_scale;
  op.softcap = recipe_.logit_softcap;
  built_.program.ops.emplace_back(std::move(op));
  return {};
}

Result<Built> Builder::build() {
  const int64_t n_vocab = TRY(weights_.n_rows("token_embd.weight"));
  built_.program.n_vocab = static_cast<int32_t>(n_vocab);
  x_ = buffer("x", recipe_.n_embd);
  const compute::TableId table = TRY(weights_.table("token_embd.weight", n_vocab, recipe_.n_embd));
  built_.program.ops.emplace_back(compute::EmbedOp{table, recipe_.embedding_scale, x_});
  TRY(add_ropes());
  for (int32_t i = 0; i < static_cast<int32_t>(recipe_.layers.size()); ++i) TRY(add_layer(i));
  built_.layer_macs_per_token = weights_.totals().macs_per_token;
  TRY(add_head());
  TRY(weights_.check_all_used());
  return std::move(built_);
}

}  // namespace

Result<Built> build_program(const Recipe& recipe, int32_t n_ctx, Weights& weights) {
  return Builder(recipe, n_ctx, weights).build();
}

}  // namespace hearth::models
