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

// body(item) for the items of [0, n) that this thread gets, in runs of neighbours: a thread reads
// on through the weights, and what it fetches ahead at an item's end is its own.
template <class Body>
void for_each_item(Walk& walk, int64_t n, const Body& body) {
  WorkCounter& counter = walk.next_counter();
  while (true) {
    const WorkCounter::Run run = counter.take_run(n, walk.n_threads());
    if (run.begin == run.end) return;
    for (int64_t item = run.begin; item < run.end; ++item) body(item);
  }
}

// body(tile) for the items that this thread gets. Row tiles outermost: a tile's activations stay in
// L2 while the weights pass by.
template <class Body>
void for_each_tile(Walk& walk, const Tiling& tiling, const Body& body) {
  const int64_t n_chunks = tiling.n_chunks();
  for_each_item(walk, tiling.n_row_tiles() * n_chunks, [&](int64_t item) {
    const int64_t row = item / n_chunks * tiling.row_tile;
    body(tiling.chunk(row, std::min(tiling.n_rows, row + tiling.row_tile), item % n_chunks));
  });
}

}  // namespace hearth::compute::cpu
