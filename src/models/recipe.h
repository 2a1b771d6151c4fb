// What distinguishes one decoder from another, as a value. A family (families/) fills it from a
// file's hyper-parameters; builder.h turns it and the tensors into a compute::Program.
//
// One layer, unless is_parallel:
//   x += residual_scale * post_norm(attention(pre_norm(x)))
//   x += residual_scale * post_norm(mlp(pre_norm(x)))
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "compute/program.h"

namespace hearth::models {

enum class Presence { kNever, kOptional, kRequired };

enum class RopeScaling { kNone, kLinear, kYarn, kLongRope };

// One rotary embedding of the model; layers refer to it by index.
struct RopeRecipe {
  bool is_neox = true;  // pairs (i, i + n_dims/2); else (2i, 2i + 1)
  int32_t n_dims = 0;   // of a head, the first ones
  float base = 10000.0f;
  RopeScaling scaling = RopeScaling::kNone;
  float factor = 1.0f;                        // kLinear, kYarn: how many times the original context
  int32_t original_context = 0;               // kYarn, kLongRope
  float magnitude = 1.0f;                     // kYarn, kLongRope: of both outputs
  float beta_fast = 32.0f, beta_slow = 1.0f;  // kYarn: rotations over the original context
  float extrapolation = 1.0f;                 // kYarn: share of unscaled high frequencies
  bool has_factors = true;  // take the frequency divisors of the file's rope_freqs.weight, if any
};

struct AttentionRecipe {
  int32_t n_heads = 0, n_kv_heads = 0, head_dim = 0;
  float scale = 0;           // of q k^T
  float softcap = 0;         // of the scores; 0: none
  int32_t window = 0;        // positions that a row sees, its own among them; 0: all before it
  int32_t rope = 0;          // index into Recipe::ropes; compute::kNone: no positions
  bool has_qk_norm = false;  // attn_q_norm, attn_k_norm: RMS over each head
  bool has_sinks = false;    // attn_sinks: one logit a head
  Presence qkv_bias = Presence::kOptional;
  Presence output_bias = Presence::kOptional;
};

enum class MlpKind { kGated, kPlain, kExperts };

struct MlpRecipe {
  MlpKind kind = MlpKind::kGated;
  compute::Activation activation = compute::Activation::kSilu;
  int32_t n_ff = 0;  // of one expert for kExperts
  Presence bias = Presence::kOptional;
  bool is_fused = false;  // kGated: ffn_up holds the gate's rows, then the up rows
  int32_t n_experts = 0, n_used = 0;
  compute::Gating gating = compute::Gating::kSoftmax;
  bool normalizes_weights = true;
  float weight_scale = 1.0f;
};

struct LayerRecipe {
  AttentionRecipe attention;
  MlpRecipe mlp;
};

struct Recipe {
  int32_t n_embd = 0;
  int32_t trained_context = 0;
  compute::NormKind norm = compute::NormKind::kRms;
  Presence norm_bias = Presence::kNever;
  float epsilon = 1e-5f;
  bool has_pre_norms = true;    // attn_norm, ffn_norm
  bool has_post_norms = false;  // post_attention_norm, post_ffw_norm
  bool is_parallel = false;     // the MLP reads the same norm(x) as attention; one residual sum
  float embedding_scale = 1.0f;
  float residual_scale = 1.0f;
  float logit_scale = 1.0f;
  float logit_softcap = 0.0f;
  Presence output_bias = Presence::kNever;
  bool may_tie_output = true;  // without output.weight, token_embd.weight is the head
  std::vector<RopeRecipe> ropes;
  std::vector<LayerRecipe> layers;
};

}  // namespace hearth::models
