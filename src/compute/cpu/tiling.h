// How a product is cut into items that threads take: row tiles that stay in L2, times chunks of
// output columns. The cut changes speed alone, never bits.
#pragma once

#include <algorithm>
#include <cstdint>

#include "compute/cpu/walk.h"
#include "compute/cpu/weight_matrix.h"

namespace hearth::compute::cpu {

// Floats of one thread's buffer for the results of an item: 64 rows of 256 columns.
inline constexpr int64_t kTileFloats = 16 << 10;

struct Tile {
  int64_t row_begin, row_end, column_begin, column_end;
  int64_t n_rows() const { return row_end - row_begin; }
  int64_t n_columns() const { return column_end - column_begin; }
};

struct Tiling {
  int64_t n_rows, n_columns;
  int64_t row_tile, column_chunk;

  int64_t n_row_tiles() const { return (n_rows + row_tile - 1) / row_tile; }
  int64_t n_chunks() const { return (n_columns + column_chunk - 1) / column_chunk; }
  Tile chunk(int64_t row_begin, int64_t row_end, int64_t index) const {
    const int64_t begin = index * column_chunk;
    return {row_begin, row_end, begin, std::min(n_columns, begin + column_chunk)};
  }
};

// For products of `matrix` with n_rows rows in about n_row_tiles tiles; the columns of a chunk
// times row_tile fit in kTileFloats.
Tiling tile_product(const WeightMatrix& matrix, int64_t n_rows, int n_threads);

// body(tile) for the items that this thread gets. Row tiles outermost: a tile's activations stay in
// L2 while the weights pass by.
template <class Body>
void for_each_tile(Walk& walk, const Tiling& tiling, const Body& body) {
  WorkCounter& counter = walk.next_counter();
  const int64_t n_chunks = tiling.n_chunks(), n_items = tiling.n_row_tiles() * n_chunks;
  for (int64_t item; (item = counter.take(1)) < n_items;) {
    const int64_t row = item / n_chunks * tiling.row_tile;
    body(tiling.chunk(row, std::min(tiling.n_rows, row + tiling.row_tile), item % n_chunks));
  }
}

}  // namespace hearth::compute::cpu
