#include "compute/cpu/tiling.h"

namespace hearth::compute::cpu {
namespace {

// Items a thread should get, so that one slowed by other work does not hold up the rest.
constexpr int64_t kItemsPerThread = 8;
// Bytes of weights in an item of a few rows: enough for the prefetchers to get going, not so many
// that the last item is waited for.
constexpr int64_t kLeastBytes = 16 << 10;
constexpr int64_t kMostBytes = 64 << 10;
constexpr int64_t kMostColumns = 128;
constexpr int64_t kFewRows = 4;

}  // namespace

Tiling tile_product(const WeightMatrix& matrix, int64_t n_rows, int n_threads) {
  Tiling tiling = {.n_rows = n_rows,
                   .n_columns = matrix.n_rows(),
                   .row_tile = std::min(matrix.row_tile(), n_rows),
                   .column_chunk = 1};
  const int64_t step = matrix.column_step();
  const int64_t even = tiling.n_columns * tiling.n_row_tiles() / (kItemsPerThread * n_threads);
  const int64_t least = kLeastBytes / matrix.row_bytes();
  const int64_t most = n_rows <= kFewRows ? kMostBytes / matrix.row_bytes() : kMostColumns;
  const int64_t room = kTileFloats / tiling.row_tile / step * step;
  const int64_t chunk = std::max(std::min(std::max(even, least), most), step);
  tiling.column_chunk = std::min((chunk + step - 1) / step * step, room);
  return tiling;
}

}  // namespace hearth::compute::cpu
