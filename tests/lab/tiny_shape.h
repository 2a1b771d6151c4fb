// Shapes small enough for a test, one a family that `hearth synth` knows.
#pragma once

#include <vector>

#include "lab/synth/shape.h"

namespace hearth::lab {

// Rows of 256 and 512 values, so that every number format divides them.
inline constexpr Shape kTinyShape = {.name = "tiny-llama",
                                     .architecture = "llama",
                                     .n_vocab = 512,
                                     .n_layers = 2,
                                     .n_embd = 256,
                                     .n_ff = 512,
                                     .n_heads = 4,
                                     .n_kv_heads = 1,
                                     .head_dim = 64,
                                     .context = 64,
                                     .rope_base = 1e4f,
                                     .epsilon = 1e-5f,
                                     .is_tied = false};

inline std::vector<Shape> tiny_families() {
  std::vector<Shape> shapes(6, kTinyShape);
  shapes[1].architecture = "phi3";
  shapes[2].architecture = "qwen3";
  shapes[3].architecture = "gemma3";
  shapes[3].is_tied = true;
  shapes[3].window = 32;
  shapes[3].rope_scale = 8;
  shapes[4].architecture = "qwen3moe";
  shapes[4].n_experts = 8;
  shapes[4].n_used = 2;
  shapes[4].n_expert_ff = 256;
  shapes[5].llama3 = {
      .factor = 8, .low_freq_factor = 1, .high_freq_factor = 4, .original_context = 32};
  return shapes;
}

}  // namespace hearth::lab
