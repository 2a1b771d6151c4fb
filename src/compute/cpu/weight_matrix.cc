#include "compute/cpu/weight_matrix.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"

namespace hearth::compute::cpu {
namespace {

// Bytes of activations that should stay in a core's L2 while weights pass by.
constexpr int64_t kTileBytes = 256 << 10;

}  // namespace

Result<WeightMatrix> WeightMatrix::create(const MatrixSource& source, IsaLevel level,
                                          WorkerPool& pool) {
  WeightMatrix matrix;
  matrix.source_ = source;
  matrix.source_.name = {};
  const quant::TypeInfo& info = quant::type_info(source.type);
  matrix.row_bytes_ = source.n_cols / info.block_size * info.block_bytes;
  if (PackedMatrix::can_pack(source.type, source.n_cols, level)) {
    matrix.packed_ = TRY(PackedMatrix::pack(source, level, pool));
    matrix.format_ = matrix.packed_->activation_format();
    matrix.source_.data = {};
    return matrix;
  }
  matrix.float_kernel_ = float_product(level, source.type);
  if (matrix.float_kernel_ == nullptr) {
    return fail(ErrorCode::kUnsupported,
                fmt::format("tensor '{}': weights in {} cannot be run; convert it to another type",
                            source.name, info.name));
  }
  return matrix;
}

uint64_t WeightMatrix::size_bytes(quant::Type type, int64_t n_rows, int64_t n_cols,
                                  IsaLevel level) {
  if (PackedMatrix::can_pack(type, n_cols, level)) {
    return PackedMatrix::packed_bytes(type, n_rows, n_cols, level);
  }
  const auto row = quant::row_bytes(type, static_cast<uint64_t>(n_cols));
  uint64_t bytes = 0;
  if (!row || __builtin_mul_overflow(*row, static_cast<uint64_t>(n_rows), &bytes))
    return UINT64_MAX;
  return bytes;
}

int64_t WeightMatrix::row_tile() const {
  if (packed_) return 64;
  return std::clamp<int64_t>(kTileBytes / (n_cols() * int64_t{sizeof(float)}) / 6 * 6, 12, 96);
}

std::optional<std::string> WeightMatrix::slow_path() const {
  if (!packed_ || !packed_->is_slow()) return std::nullopt;
  return fmt::format("{}: no vector kernel", quant::type_info(source_.type).name);
}

void WeightMatrix::multiply(const Product& product) const {
  DCHECK(product.column_begin % column_step() == 0);
  if (packed_) {
    const int64_t step = packed_->panel_rows();
    packed_->multiply(*product.quantized, product.row_begin, product.row_end, product.slice,
                      product.column_begin / step, (product.column_end + step - 1) / step,
                      product.out - product.column_begin, product.out_stride);
    return;
  }
  const int64_t row = product.slice * source_.n_rows + product.column_begin;
  float_kernel_({.weights = source_.data.data() + row * row_bytes_,
                 .n_weight_rows = product.column_end - product.column_begin,
                 .n_cols = source_.n_cols,
                 .x = product.values + product.row_begin * product.stride,
                 .n_rows = product.row_end - product.row_begin,
                 .x_stride = product.stride,
                 .out = product.out,
                 .out_stride = product.out_stride});
}

}  // namespace hearth::compute::cpu
