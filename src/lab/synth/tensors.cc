#include "lab/synth/tensors.h"

#include <fmt/format.h>

#include <functional>
#include <numeric>

namespace hearth::lab {
namespace {

class Plan {
 public:
  explicit Plan(const Shape& shape) : shape_(shape) {}

  std::vector<PlannedTensor> make() {
    const uint64_t n_embd = width(shape_.n_embd), n_vocab = width(shape_.n_vocab);
    add("token_embd", Role::kEmbedding, {n_embd, n_vocab});
    if (shape_.llama3) add("rope_freqs", Role::kRopeDivisors, {width(shape_.head_dim / 2)});
    for (layer_ = 0; layer_ < shape_.n_layers; ++layer_) {
      add_attention();
      add_mlp();
    }
    layer_ = -1;
    add("output_norm", Role::kNorm, {n_embd});
    if (!shape_.is_tied) add("output", Role::kOutput, {n_embd, n_vocab});
    return std::move(tensors_);
  }

 private:
  static uint64_t width(int32_t n) { return static_cast<uint64_t>(n); }

  void add(std::string_view stem, Role role, std::vector<uint64_t> dims) {
    std::string name =
        layer_ < 0 ? fmt::format("{}.weight", stem) : fmt::format("blk.{}.{}.weight", layer_, stem);
    tensors_.push_back({std::move(name), role, layer_, std::move(dims)});
  }

  void add_attention() {
    const bool is_gemma = shape_.architecture == "gemma3";
    const bool has_head_norms = is_gemma || shape_.architecture.starts_with("qwen3");
    const uint64_t n_embd = width(shape_.n_embd), head_dim = width(shape_.head_dim);
    const uint64_t q = width(shape_.n_heads) * head_dim, kv = width(shape_.n_kv_heads) * head_dim;
    add("attn_norm", Role::kNorm, {n_embd});
    if (shape_.architecture == "phi3") {
      add("attn_qkv", Role::kQkv, {n_embd, q + 2 * kv});
    } else {
      add("attn_q", Role::kQ, {n_embd, q});
      add("attn_k", Role::kK, {n_embd, kv});
      add("attn_v", Role::kV, {n_embd, kv});
    }
    if (has_head_norms) {
      add("attn_q_norm", Role::kNorm, {head_dim});
      add("attn_k_norm", Role::kNorm, {head_dim});
    }
    add("attn_output", Role::kAttentionOutput, {q, n_embd});
    if (is_gemma) add("post_attention_norm", Role::kNorm, {n_embd});
  }

  void add_mlp() {
    const uint64_t n_embd = width(shape_.n_embd), n_ff = width(shape_.n_ff);
    add("ffn_norm", Role::kNorm, {n_embd});
    if (shape_.n_experts > 0) {
      const uint64_t n_experts = width(shape_.n_experts), n_expert_ff = width(shape_.n_expert_ff);
      add("ffn_gate_inp", Role::kRouter, {n_embd, n_experts});
      add("ffn_gate_exps", Role::kGate, {n_embd, n_expert_ff, n_experts});
      add("ffn_up_exps", Role::kUp, {n_embd, n_expert_ff, n_experts});
      add("ffn_down_exps", Role::kDown, {n_expert_ff, n_embd, n_experts});
      return;
    }
    if (shape_.architecture == "phi3") {
      add("ffn_up", Role::kUp, {n_embd, 2 * n_ff});
    } else {
      add("ffn_gate", Role::kGate, {n_embd, n_ff});
      add("ffn_up", Role::kUp, {n_embd, n_ff});
    }
    add("ffn_down", Role::kDown, {n_ff, n_embd});
    if (shape_.architecture == "gemma3") add("post_ffw_norm", Role::kNorm, {n_embd});
  }

  const Shape& shape_;
  int32_t layer_ = -1;
  std::vector<PlannedTensor> tensors_;
};

}  // namespace

uint64_t PlannedTensor::n_values() const {
  return std::accumulate(dims.begin(), dims.end(), uint64_t{1}, std::multiplies<>());
}

std::vector<PlannedTensor> plan_tensors(const Shape& shape) { return Plan(shape).make(); }

uint64_t parameter_count(const Shape& shape) {
  uint64_t n = 0;
  for (const PlannedTensor& tensor : plan_tensors(shape))
    if (tensor.role != Role::kRopeDivisors) n += tensor.n_values();
  return n;
}

}  // namespace hearth::lab
