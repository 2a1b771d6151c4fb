// A step as data: the fused operations of one forward pass, in order, over named buffers.
//
// A buffer holds one f32 row of fixed width for each row of the batch. Operations never allocate
// and every row's result depends on that row and the rows' own sequences alone, summed in one fixed
// order: thread count, batch composition and prompt chunking do not change a bit of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace hearth::compute {

using BufferId = int32_t;
using MatrixId = int32_t;  // from Backend::add_matrix
using VectorId = int32_t;  // from Backend::add_vector
using TableId = int32_t;   // from Backend::add_table
inline constexpr int32_t kNone = -1;

enum class NormKind { kRms, kLayer };
enum class Activation { kIdentity, kSilu, kGelu, kGeluTanh, kRelu, kReluSquared };

// y = (x - mean) / sqrt(var + eps) * weight + bias; kRms: no mean, no bias.
struct Norm {
  NormKind kind = NormKind::kRms;
  VectorId weight = kNone;  // kNone: ones
  VectorId bias = kNone;    // kNone: zeros
  float epsilon = 1e-5f;
};

// Rotary embedding (arXiv 2104.09864). Angle of pair i at position p: p * inverse_frequency[i], in
// f32. Both outputs are multiplied by `magnitude` (YaRN's and LongRoPE's attention factor).
struct Rope {
  bool is_neox = false;                  // pairs (i, i + n_dims/2); else (2i, 2i + 1)
  std::vector<float> inverse_frequency;  // n_dims / 2; dimensions beyond n_dims stay as they are
  float magnitude = 1.0f;
};

// out = table[token] * scale
struct EmbedOp {
  TableId table;
  float scale = 1.0f;
  BufferId out;
};

// q = rope(norm_q(Wq x + bq)) into buffer; k likewise and v into the KV cache of `kv_layer`,
// where x = norm(in). Head norms act on each head's head_dim values.
struct QkvOp {
  BufferId in;
  std::optional<Norm> norm;
  MatrixId q, k, v;
  VectorId q_bias = kNone, k_bias = kNone, v_bias = kNone;
  std::optional<Norm> q_norm, k_norm;  // weight [head_dim]
  int32_t rope = kNone;                // index into Program::ropes
  int32_t n_heads, n_kv_heads, head_dim;
  BufferId q_out;  // [n_heads * head_dim]
  int32_t kv_layer;
};

// out = concat over heads of softmax(softcap(q k^T * scale)) v, over the row's own sequence,
// positions (position - window, position]; window 0: all. softcap(s) = cap * tanh(s / cap); 0:
// none. sinks [n_heads]: one more logit a head that takes weight and adds no value.
struct AttentionOp {
  BufferId q;
  BufferId out;  // [n_heads * head_dim]
  int32_t kv_layer;
  int32_t n_heads, n_kv_heads, head_dim;
  float scale;
  float softcap = 0.0f;
  int32_t window = 0;
  VectorId sinks = kNone;
};

// y = activation(W norm(in) + bias); out = y, or out += scale * y.
struct LinearOp {
  BufferId in;
  std::optional<Norm> norm;
  MatrixId weight;
  VectorId bias = kNone;
  Activation activation = Activation::kIdentity;
  BufferId out;
  bool accumulate = false;
  float scale = 1.0f;
};

// out = activation(Wg norm(in) + bg) * (Wu norm(in) + bu)
struct GatedOp {
  BufferId in;
  std::optional<Norm> norm;
  MatrixId gate, up;
  VectorId gate_bias = kNone, up_bias = kNone;
  Activation activation;
  BufferId out;
};

// out += scale * norm(in)
struct ResidualOp {
  BufferId in;
  std::optional<Norm> norm;
  BufferId out;
  float scale = 1.0f;
};

enum class Gating { kSoftmax, kSigmoid };

// x = norm(in); s = gating(router x) over all experts; the n_used largest s (ties: lower index
// first) are the weights, divided by their sum if `normalize`, times `weight_scale`; out += scale *
// sum over the chosen, best first, of weight * down_e(act(gate_e x) * up_e x).
struct MoeOp {
  BufferId in;
  std::optional<Norm> norm;
  MatrixId router;  // [n_experts, width]
  VectorId router_bias = kNone;
  MatrixId gate, up, down;  // added with n_slices = n_experts
  int32_t n_experts, n_used;
  Gating gating = Gating::kSoftmax;
  bool normalize = true;
  float weight_scale = 1.0f;
  Activation activation;
  BufferId out;
  float scale = 1.0f;
};

// logits = softcap(scale * (W norm(in) + bias)), only for the rows that want them.
struct LogitsOp {
  BufferId in;
  std::optional<Norm> norm;
  MatrixId weight;
  VectorId bias = kNone;
  float scale = 1.0f;
  float softcap = 0.0f;
};

using Op =
    std::variant<EmbedOp, QkvOp, AttentionOp, LinearOp, GatedOp, ResidualOp, MoeOp, LogitsOp>;

struct Program {
  std::vector<int32_t> buffer_widths;  // floats a row, by BufferId
  std::vector<Rope> ropes;
  std::vector<Op> ops;  // one LogitsOp, the last
  int32_t n_vocab = 0;
};

}  // namespace hearth::compute
