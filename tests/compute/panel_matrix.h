// Random matrices in a file's formats, and their products by definition, for the panel tests.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "base/half.h"
#include "compute/activation.h"
#include "compute/backend.h"
#include "quant/type.h"

namespace hearth::compute {

// A half in the top four bits of the four uint16 from byte 48 on: IQ1_M's d.
inline constexpr int kInNibbles = 1000;

// Where a type's block keeps its halfs (d, then m or dmin) or its exponent; -1: none.
struct ScalePlaces {
  quant::Type type;
  int d;
  int m;
  int exponent = -1;
};

inline constexpr ScalePlaces kPanelTypes[] = {
    {quant::Type::kQ4_0, 0, -1},    {quant::Type::kQ4_1, 0, 2},
    {quant::Type::kQ5_0, 0, -1},    {quant::Type::kQ5_1, 0, 2},
    {quant::Type::kQ8_0, 0, -1},    {quant::Type::kQ4_K, 0, 2},
    {quant::Type::kQ5_K, 0, 2},     {quant::Type::kQ6_K, 208, -1},
    {quant::Type::kIQ4_NL, 0, -1},  {quant::Type::kMXFP4, -1, -1, 0},
    {quant::Type::kQ2_K, 80, 82},   {quant::Type::kQ3_K, 108, -1},
    {quant::Type::kIQ4_XS, 0, -1},  {quant::Type::kIQ2_XXS, 0, -1},
    {quant::Type::kIQ2_XS, 0, -1},  {quant::Type::kIQ2_S, 0, -1},
    {quant::Type::kIQ3_XXS, 0, -1}, {quant::Type::kIQ3_S, 0, -1},
    {quant::Type::kIQ1_S, 0, -1},   {quant::Type::kIQ1_M, kInNibbles, -1},
    {quant::Type::kTQ1_0, 52, -1},  {quant::Type::kTQ2_0, 64, -1},
};

inline std::string name_of(quant::Type type) { return quant::type_info(type).name; }

// A matrix in a file's bytes.
struct TestMatrix {
  quant::Type type;
  int64_t n_rows, n_cols, n_slices;
  std::vector<std::byte> data;

  MatrixSource source() const { return {"test", type, n_rows, n_cols, n_slices, data}; }
  int64_t block_bytes() const { return quant::type_info(type).block_bytes; }
  int64_t row_bytes() const { return n_cols / quant::type_info(type).block_size * block_bytes(); }

  // Sets the half at byte `place` of block `block` (counted over the matrix).
  void set_half(int64_t block, int place, uint16_t half) {
    if (place == kInNibbles) {
      for (int i = 0; i < 4; ++i) {
        std::byte& top = data[static_cast<size_t>(block * block_bytes() + 49 + 2 * i)];
        top = (top & std::byte{15}) | std::byte(half >> 4 * i << 4 & 0xF0);
      }
      return;
    }
    if (place >= 0) std::memcpy(data.data() + block * block_bytes() + place, &half, sizeof half);
  }
  void set_byte(int64_t block, int place, unsigned value) {
    if (place >= 0) data[static_cast<size_t>(block * block_bytes() + place)] = std::byte(value);
  }
  float half_at(int64_t block, int place) const {
    uint16_t half;
    std::memcpy(&half, data.data() + block * block_bytes() + place, sizeof half);
    return half_to_float(half);
  }
  int64_t n_blocks() const { return static_cast<int64_t>(data.size()) / block_bytes(); }

  std::vector<float> row(int64_t index) const {
    const quant::TypeInfo& info = quant::type_info(type);
    std::vector<float> values(static_cast<size_t>(n_cols));
    info.decode(data.data() + index * row_bytes(), static_cast<size_t>(n_cols / info.block_size),
                values.data());
    return values;
  }
};

struct MatrixShape {
  int64_t n_rows, n_cols, n_slices = 1;
};

// Codes and small scales at random; halfs of about 0.01 and of either sign.
inline TestMatrix random_matrix(const ScalePlaces& places, MatrixShape shape,
                                std::mt19937& random) {
  TestMatrix matrix{places.type, shape.n_rows, shape.n_cols, shape.n_slices, {}};
  matrix.data.resize(static_cast<size_t>(matrix.row_bytes() * shape.n_rows * shape.n_slices));
  for (std::byte& byte : matrix.data) byte = static_cast<std::byte>(random());
  std::uniform_real_distribution<float> scale(-0.02f, 0.02f);
  for (int64_t b = 0; b < matrix.n_blocks(); ++b) {
    matrix.set_half(b, places.d, float_to_half(scale(random)));
    matrix.set_half(b, places.m, float_to_half(scale(random)));
    matrix.set_byte(b, places.exponent, 118 + random() % 8);
  }
  return matrix;
}

inline std::vector<float> random_values(int64_t n, std::mt19937& random) {
  std::normal_distribution<float> normal;
  std::vector<float> values(static_cast<size_t>(n));
  for (float& value : values) value = normal(random);
  return values;
}

// A row of activations as compute/activation.h rounds it.
struct RoundedRow {
  RoundedRow(const float* x, int64_t n, ActivationFormat format) : values(static_cast<size_t>(n)) {
    const int64_t block = format == ActivationFormat::kQ8x32 ? 32 : 256;
    for (int64_t begin = 0; begin < n; begin += block) {
      int8_t codes[256];
      int16_t sums[16];
      float scale, scaled_sum = 0;
      if (block == 32) {
        quantize_q8x32(x + begin, codes, &scale, &scaled_sum);
      } else {
        quantize_q8x256(x + begin, codes, &scale, sums);
      }
      double sum = 0;
      for (int64_t k = 0; k < block; ++k) {
        sum += values[static_cast<size_t>(begin + k)] = static_cast<double>(scale) * codes[k];
      }
      sum_errors.push_back(scaled_sum - sum);
    }
  }
  std::vector<double> values;
  std::vector<double> sum_errors;  // s_a less the sum of the block's values; blocks of 32 only
};

struct Product {
  double value;
  double tolerance;
};

// Row `row` of the matrix times x in double, with s_a in the place of the sum of a block's values.
//
// Tolerance: each block adds at most two fused products to a sum that never exceeds the sum of all
// terms' magnitudes (2^-24 of it each), and rounds two scales, an integer and the decoded weights:
// in all (2 n_blocks + 8) * 2^-24 of the magnitudes. A term |code part| + |min part| is at most
// four times the block's largest weight, as a block of random codes spans most of its range.
inline Product product_by_definition(const TestMatrix& matrix, const ScalePlaces& places,
                                     int64_t row, const RoundedRow& x) {
  const std::vector<float> w = matrix.row(row);
  const auto block = static_cast<size_t>(quant::type_info(matrix.type).block_size);
  const size_t n_blocks = w.size() / block;
  double value = 0, magnitude = 0;
  for (size_t b = 0; b < n_blocks; ++b) {
    double largest = 0, activations = 0;
    for (size_t k = b * block; k < (b + 1) * block; ++k) {
      value += static_cast<double>(w[k]) * x.values[k];
      largest = std::max(largest, std::fabs(static_cast<double>(w[k])));
      activations += std::fabs(x.values[k]);
    }
    magnitude += 4 * largest * activations;
    if (block != 32 || places.m < 0) continue;
    const auto at = static_cast<int64_t>(static_cast<size_t>(row) * n_blocks + b);
    value += static_cast<double>(matrix.half_at(at, places.m)) * x.sum_errors[b];
  }
  return {value, magnitude * (2 * static_cast<double>(n_blocks) + 8) * 0x1p-24};
}

inline bool same_bits(float a, float b) {
  return std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b) ||
         (std::isnan(a) && std::isnan(b));
}

}  // namespace hearth::compute
