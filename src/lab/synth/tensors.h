// The tensors that a model of a shape is made of, with the names and dimensions of its GGUF file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lab/synth/shape.h"

namespace hearth::lab {

// What a tensor is for: decides its type in a mix.
enum class Role {
  kEmbedding,
  kOutput,
  kQ,
  kK,
  kV,
  kQkv,  // the three in one
  kAttentionOutput,
  kGate,
  kUp,  // with the gate in one where a family fuses them
  kDown,
  kRouter,
  kNorm,
  kRopeDivisors,
};

struct PlannedTensor {
  std::string name;
  Role role;
  int32_t layer;               // -1: of no layer
  std::vector<uint64_t> dims;  // as GGUF stores them: dims[0] is the length of a row

  uint64_t n_values() const;
};

// In the order of the file.
std::vector<PlannedTensor> plan_tensors(const Shape& shape);

uint64_t parameter_count(const Shape& shape);

}  // namespace hearth::lab
