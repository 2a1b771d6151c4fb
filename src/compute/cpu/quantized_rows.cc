#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/checked_math.h"
#include "compute/cpu/packed_matrix.h"
#include "compute/cpu/panel/rows.h"

namespace hearth::compute::cpu {
namespace {

// The sums of columns k with k % 4 < 2 (low word) and of the others (high word) of n codes, each
// times `offset`. In range: 32 / 2 * 127 * 16 = 16 / 2 * 127 * 32 = 65024 / 2 = 32512.
int32_t offset_words(const int8_t* codes, int n, int offset) {
  int32_t low = 0, high = 0;
  for (int k = 0; k < n; k += 4) {
    low += codes[k] + codes[k + 1];
    high += codes[k + 2] + codes[k + 3];
  }
  const uint32_t words =
      (static_cast<uint32_t>(low * offset) & 0xFFFFu) | static_cast<uint32_t>(high * offset) << 16;
  return static_cast<int32_t>(words);
}

// -32 times the sum of codes 0 to 3 and 8 to 11.
int32_t lane_offset(const int8_t* codes) {
  int32_t sum = 0;
  for (int k = 0; k < 4; ++k) sum += codes[k] + codes[k + 8];
  return -32 * sum;
}

}  // namespace

RowQuantizer row_quantizer(ActivationFormat format, IsaLevel level) {
  const bool is_short = format == ActivationFormat::kQ8x32;
#if defined(__x86_64__)
  if (level >= IsaLevel::kAvx2)
    return is_short ? quantize_row_q8x32_avx2 : quantize_row_q8x256_avx2;
#elif defined(__aarch64__)
  if (level >= IsaLevel::kNeon)
    return is_short ? quantize_row_q8x32_neon : quantize_row_q8x256_neon;
#endif
  static_cast<void>(level);
  return is_short ? quantize_row_q8x32_scalar : quantize_row_q8x256_scalar;
}

void quantize_row_q8x32_scalar(const float* values, const QuantizedRow& row) {
  for (int64_t b = 0; b < row.n_blocks; ++b) {
    const int64_t at = b * row.stride;
    int8_t* codes = row.codes + 32 * at;
    quantize_q8x32(values + 32 * b, codes, row.scales + at, row.scaled_sums + at);
    row.offsets_8[at] = offset_words(codes, 32, 8);
    row.offsets_16[at] = offset_words(codes, 32, 16);
  }
}

void quantize_row_q8x256_scalar(const float* values, const QuantizedRow& row) {
  for (int64_t b = 0; b < row.n_blocks; ++b) {
    const int64_t at = b * row.stride;
    int8_t codes[256];
    int16_t sums[16];
    quantize_q8x256(values + 256 * b, codes, row.scales + at, sums);
    for (int j = 0; j < 8; ++j) {
      const int64_t sub = (8 * b + j) * row.stride;
      std::memcpy(row.codes + 32 * sub, codes + 32 * j, 32);
      row.offsets_32[2 * sub] = offset_words(codes + 32 * j, 16, 32);
      row.offsets_32[2 * sub + 1] = offset_words(codes + 32 * j + 16, 16, 32);
      for (int lane = 0; lane < 4; ++lane)
        row.lane_offsets[4 * sub + lane] =
            lane_offset(codes + 32 * j + lane / 2 * 16 + lane % 2 * 4);
      row.sums_32[8 * at + j] = static_cast<int16_t>(sums[2 * j] + sums[2 * j + 1]);
    }
  }
}

QuantizedRows::Storage::Storage(int64_t rows, int64_t cols) : max_rows(rows), max_cols(cols) {
  CHECK(rows >= 0 && cols >= 0);
  const auto n =
      checked_mul<uint64_t>(static_cast<uint64_t>(rows), (static_cast<uint64_t>(cols) + 31) / 32);
  CHECK(n && *n < INT64_MAX / 128);
  const uint64_t n_padded = (*n + 15) / 16 * 16;  // each array starts a cache line
  constexpr uint64_t kBytesEach = 32 + 10 * sizeof(int32_t) + sizeof(int16_t);
  Result<Pages> pages = Pages::map(n_padded * kBytesEach + 64, "quantized rows");
  CHECK(pages.has_value());
  memory = std::move(*pages);
  auto take = [from = memory.data()](uint64_t n_bytes) mutable {
    return std::exchange(from, from + n_bytes);
  };
  codes = reinterpret_cast<int8_t*>(take(32 * n_padded));
  scales = reinterpret_cast<float*>(take(4 * n_padded));
  scaled_sums = reinterpret_cast<float*>(take(4 * n_padded));
  offsets_8 = reinterpret_cast<int32_t*>(take(4 * n_padded));
  offsets_16 = reinterpret_cast<int32_t*>(take(4 * n_padded));
  offsets_32 = reinterpret_cast<int32_t*>(take(8 * n_padded));
  lane_offsets = reinterpret_cast<int32_t*>(take(16 * n_padded));
  sums_32 = reinterpret_cast<int16_t*>(take(2 * n_padded));
}

QuantizedRow QuantizedRows::Storage::at_row(int64_t row, int64_t n_rows, int64_t n_cols,
                                            ActivationFormat format) const {
  const int64_t tile_begin = row / kTileRows * kTileRows, r = row - tile_begin;
  const int64_t block = format == ActivationFormat::kQ8x32 ? 32 : 256;
  const int64_t scale_at = tile_begin * (n_cols / block) + r;
  const int64_t sub_block_at = tile_begin * (n_cols / 32) + r;
  return {.n_blocks = n_cols / block,
          .stride = std::min<int64_t>(kTileRows, n_rows - tile_begin),
          .codes = codes + 32 * sub_block_at,
          .scales = scales + scale_at,
          .scaled_sums = scaled_sums + scale_at,
          .offsets_8 = offsets_8 + scale_at,
          .offsets_16 = offsets_16 + scale_at,
          .offsets_32 = offsets_32 + 2 * sub_block_at,
          .lane_offsets = lane_offsets + 4 * sub_block_at,
          .sums_32 = sums_32 + 8 * scale_at};
}

QuantizedRows::QuantizedRows(int64_t max_rows, int64_t max_cols)
    : storage_(std::make_unique<Storage>(max_rows, max_cols)) {}

QuantizedRows::~QuantizedRows() = default;
QuantizedRows::QuantizedRows(QuantizedRows&&) noexcept = default;
QuantizedRows& QuantizedRows::operator=(QuantizedRows&&) noexcept = default;

void QuantizedRows::reset(int64_t n_rows, int64_t n_cols, ActivationFormat format) {
  CHECK(format != ActivationFormat::kF32);
  const int64_t block = format == ActivationFormat::kQ8x32 ? 32 : 256;
  CHECK(n_rows >= 0 && n_rows <= storage_->max_rows);
  CHECK(n_cols > 0 && n_cols <= storage_->max_cols && n_cols % block == 0);
  n_rows_ = n_rows;
  n_cols_ = n_cols;
  format_ = format;
  storage_->quantize = row_quantizer(format, isa_level());
}

void QuantizedRows::set_row(int64_t row, const float* values) {
  DCHECK(row >= 0 && row < n_rows_);
  storage_->quantize(values, storage_->at_row(row, n_rows_, n_cols_, format_));
}

}  // namespace hearth::compute::cpu
