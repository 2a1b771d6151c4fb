// Norms, activations, rotary embedding and gating on one row, computed in double.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "compute/program.h"

namespace hearth::compute::reference {

double activate(Activation activation, double x);

// values normalized in place; weight and bias may be empty.
void normalize(NormKind kind, float epsilon, std::span<const float> weight,
               std::span<const float> bias, std::span<float> values);

// One head turned in place for `position`.
void rotate(const Rope& rope, int32_t position, std::span<float> head);

struct Choice {
  int32_t expert;
  float weight;
};
// The experts of a row and their weights, best first; see MoeOp.
std::vector<Choice> choose_experts(const MoeOp& op, std::span<const float> scores);

}  // namespace hearth::compute::reference
