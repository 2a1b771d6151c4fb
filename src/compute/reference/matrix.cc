#include "compute/reference/matrix.h"

#include <cstring>

#include "base/check.h"
#include "base/half.h"

namespace hearth::compute::reference {
namespace {

constexpr int64_t kBlock = 32;
constexpr int64_t kSuperBlock = 256;

// x as the kernels see it: code * scale.
struct RoundedRow {
  std::vector<float> values;
  std::vector<double> sum_correction;  // by block of 32: half(d * sum) - d * sum; kQ8x32 only
};

RoundedRow round_row(ActivationFormat format, std::span<const float> x) {
  RoundedRow rounded{.values = std::vector<float>(x.begin(), x.end()), .sum_correction = {}};
  const auto n = static_cast<int64_t>(x.size());
  if (format == ActivationFormat::kQ8x32) {
    for (int64_t begin = 0; begin < n; begin += kBlock) {
      int8_t codes[kBlock];
      float scale, scaled_sum;
      quantize_q8x32(x.data() + begin, codes, &scale, &scaled_sum);
      int32_t sum = 0;
      for (int64_t i = 0; i < kBlock; ++i) {
        rounded.values[static_cast<size_t>(begin + i)] = scale * static_cast<float>(codes[i]);
        sum += codes[i];
      }
      rounded.sum_correction.push_back(double{scaled_sum} - double{scale} * sum);
    }
  } else if (format == ActivationFormat::kQ8x256) {
    for (int64_t begin = 0; begin < n; begin += kSuperBlock) {
      int8_t codes[kSuperBlock];
      int16_t sums[16];
      float scale;
      quantize_q8x256(x.data() + begin, codes, &scale, sums);
      for (int64_t i = 0; i < kSuperBlock; ++i) {
        rounded.values[static_cast<size_t>(begin + i)] = scale * static_cast<float>(codes[i]);
      }
    }
  }
  return rounded;
}

}  // namespace

Matrix decode_matrix(const MatrixSource& source, bool quantize_activations) {
  const quant::TypeInfo& info = quant::type_info(source.type);
  const int64_t n_values = source.n_slices * source.n_rows * source.n_cols;
  const auto n_blocks = static_cast<size_t>(n_values) / info.block_size;
  Matrix matrix{
      .n_rows = source.n_rows,
      .n_cols = source.n_cols,
      .n_slices = source.n_slices,
      .format = quantize_activations ? activation_format(source.type) : ActivationFormat::kF32,
      .values = std::vector<float>(static_cast<size_t>(n_values)),
      .block_min = {}};
  info.decode(source.data.data(), n_blocks, matrix.values.data());
  const bool has_min = source.type == quant::Type::kQ4_1 || source.type == quant::Type::kQ5_1;
  if (matrix.format == ActivationFormat::kQ8x32 && has_min) {
    for (size_t b = 0; b < n_blocks; ++b) {
      uint16_t half;
      std::memcpy(&half, source.data.data() + b * info.block_bytes + sizeof half, sizeof half);
      matrix.block_min.push_back(half_to_float(half));
    }
  }
  return matrix;
}

void multiply(const Matrix& matrix, int64_t slice, std::span<const float> x, std::span<float> out) {
  DCHECK(static_cast<int64_t>(x.size()) == matrix.n_cols &&
         static_cast<int64_t>(out.size()) == matrix.n_rows);
  const RoundedRow rounded = round_row(matrix.format, x);
  for (int64_t r = 0; r < matrix.n_rows; ++r) {
    const auto weights = matrix.row(slice, r);
    double sum = 0;
    for (size_t c = 0; c < weights.size(); ++c) sum += double{weights[c]} * rounded.values[c];
    if (!matrix.block_min.empty()) {
      const auto first = static_cast<size_t>((slice * matrix.n_rows + r) * matrix.n_cols / kBlock);
      for (size_t b = 0; b < rounded.sum_correction.size(); ++b) {
        sum += double{matrix.block_min[first + b]} * rounded.sum_correction[b];
      }
    }
    out[static_cast<size_t>(r)] = static_cast<float>(sum);
  }
}

}  // namespace hearth::compute::reference
