// Arithmetic on one row of floats: norms, activations, rotations. One table an instruction set.
//
// Element-wise functions give an element the same bits wherever it stands in the row and however
// the row is cut into calls; sums run in one order that depends on n alone.
#pragma once

#include <cstdint>

#include "base/cpu_features.h"
#include "compute/program.h"

namespace hearth::compute::cpu {

// weight and bias may be null; out may be x.
struct NormRow {
  const float* x;
  int64_t n;
  const float* weight;
  const float* bias;
  float epsilon;
  float* out;
};

struct RowMath {
  void (*rms_norm)(const NormRow& row);
  void (*layer_norm)(const NormRow& row);
  // x += bias
  void (*add)(float* x, const float* bias, int64_t n);
  // out += scale * x
  void (*add_scaled)(float* out, const float* x, float scale, int64_t n);
  void (*scale)(float* x, float scale, int64_t n);
  void (*activate)(float* x, int64_t n, Activation activation);
  // out = activation(gate) * up; out may be either.
  void (*gate)(const float* gate, const float* up, int64_t n, Activation activation, float* out);
  // x = cap * tanh(x / cap)
  void (*softcap)(float* x, float cap, int64_t n);
  // Pairs (x[i], x[i + n_pairs]), or (x[2 i], x[2 i + 1]), turned by the angle of cosine[i],
  // sine[i].
  void (*rotate_halves)(float* x, const float* cosine, const float* sine, int64_t n_pairs);
  void (*rotate_neighbours)(float* x, const float* cosine, const float* sine, int64_t n_pairs);
  bool (*all_finite)(const float* x, int64_t n);
};

const RowMath& row_math(IsaLevel level);

// The table of each instruction set; only row_math() names them.
extern const RowMath kRowMathScalar;
extern const RowMath kRowMathAvx2;
extern const RowMath kRowMathNeon;

}  // namespace hearth::compute::cpu
