// The hyper-parameters of real models, named as their makers name them: all that a file of random
// weights needs to be timed as the real one would be.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "models/rope.h"

namespace hearth::lab {

struct Shape {
  std::string_view name;
  std::string_view architecture;  // as general.architecture says it
  int32_t n_vocab, n_layers, n_embd, n_ff;
  int32_t n_heads, n_kv_heads, head_dim;
  int32_t context;
  float rope_base;
  float epsilon;         // of the RMS norms
  bool is_tied;          // the head is the embedding
  int32_t window = 0;    // positions that windowed attention sees; 0: none
  float rope_scale = 0;  // linear scaling of positions; 0: none
  std::optional<models::Llama3Scaling> llama3 = {};  // of the rotary embedding
  int32_t n_experts = 0;                             // 0: dense
  int32_t n_used = 0;                                // experts a token
  int32_t n_expert_ff = 0;
};

std::span<const Shape> all_shapes();

// Case-insensitive; null if unknown.
const Shape* find_shape(std::string_view name);

}  // namespace hearth::lab
