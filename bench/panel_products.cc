// The rate of products with weight matrices, cut into items as a step cuts them, by weight type and
// number of activation rows:
//
//   bench_panel_products [threads] [columns] [type ...]
//
// GMAC/s, and the GB/s of the file's weights. Weights: 96 MiB for up to 8 rows, so that they come
// from memory, and 8 MiB beyond. Each figure is the best of all runs in half a second, since other
// programs on the machine only ever make a run slower; the first column says what plain reading
// reached beside it.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string_view>
#include <vector>

#include "base/cpu_features.h"
#include "base/usable_cpus.h"
#include "base/worker_pool.h"
#include "best_time.h"
#include "compute/cpu/tiling.h"
#include "compute/cpu/weight_matrix.h"
#include "quant/type.h"

namespace hearth::compute::cpu {
namespace {

constexpr int64_t kRowCounts[] = {1, 2, 4, 8, 32, 64, 512};

double read_rate(WorkerPool& pool) {
  const std::vector<uint64_t> memory(12 << 20, 1);
  std::vector<uint64_t> sums(static_cast<size_t>(pool.n_threads()) * 8);
  const double best = best_time([&] {
    pool.run([&](int thread) {
      const size_t part = memory.size() / static_cast<size_t>(pool.n_threads()) / 8 * 8;
      const uint64_t* from = memory.data() + static_cast<size_t>(thread) * part;
      std::array<uint64_t, 8> sum{};
      for (size_t i = 0; i < part; i += 8) {
        for (size_t j = 0; j < 8; ++j) sum[j] += from[i + j];
      }
      for (const uint64_t s : sum) sums[static_cast<size_t>(thread) * 8] += s;
    });
  });
  return static_cast<double>(memory.size() * sizeof(uint64_t)) / best * 1e-9;
}

// Random codes; scales at random, but of normal magnitude, as subnormal sums are slow.
std::vector<std::byte> random_weights(const quant::TypeInfo& info, int64_t n_blocks) {
  std::mt19937 random(1);
  std::vector<std::byte> data(static_cast<size_t>(n_blocks) * info.block_bytes);
  for (std::byte& byte : data) byte = static_cast<std::byte>(0x28 | (random() & 0x17));
  return data;
}

struct Rate {
  double macs, bytes;  // a second
};

Rate measure(const quant::TypeInfo& info, int64_t n_cols, int64_t n_x, WorkerPool& pool) {
  const int64_t row_blocks = n_cols / info.block_size, row_bytes = row_blocks * info.block_bytes;
  const int64_t n_rows = (n_x <= 8 ? 96 << 20 : 8 << 20) / row_bytes;
  const auto weights = random_weights(info, n_rows * row_blocks);
  const auto matrix =
      WeightMatrix::create({"weights", info.type, n_rows, n_cols, 1, weights}, isa_level(), pool);
  if (!matrix) {
    fmt::print(stderr, "{}\n", matrix.error().message);
    std::exit(1);
  }
  std::mt19937 random(2);
  std::normal_distribution<float> normal;
  std::vector<float> x(static_cast<size_t>(n_x * n_cols));
  for (float& value : x) value = normal(random);
  QuantizedRows rounded(n_x, n_cols);
  if (matrix->format() != ActivationFormat::kF32) {
    rounded.reset(n_x, n_cols, matrix->format());
    for (int64_t r = 0; r < n_x; ++r) rounded.set_row(r, x.data() + r * n_cols);
  }
  std::vector<float> out(static_cast<size_t>(n_x * n_rows));
  const Tiling tiling = tile_product(*matrix, n_x, pool.n_threads());
  const int64_t n_chunks = tiling.n_chunks(), n_items = tiling.n_row_tiles() * n_chunks;
  WorkCounter counter;
  const double best = best_time([&] {
    counter.reset();
    pool.run([&](int) {
      for (int64_t item; (item = counter.take(1)) < n_items;) {
        const int64_t row = item / n_chunks * tiling.row_tile;
        const Tile tile = tiling.chunk(row, std::min(n_x, row + tiling.row_tile), item % n_chunks);
        matrix->multiply({.quantized = &rounded,
                          .values = x.data(),
                          .stride = n_cols,
                          .row_begin = tile.row_begin,
                          .row_end = tile.row_end,
                          .column_begin = tile.column_begin,
                          .column_end = tile.column_end,
                          .out = out.data() + tile.row_begin * n_rows + tile.column_begin,
                          .out_stride = n_rows});
      }
    });
  });
  const auto macs = static_cast<double>(n_rows * n_cols * n_x);
  return {macs / best, static_cast<double>(n_rows * row_bytes) / best};
}

int run(int argc, char** argv) {
  const int n_threads = argc > 1 ? std::atoi(argv[1]) : usable_physical_cores();
  const int64_t n_cols = argc > 2 ? std::atoll(argv[2]) : 1536;
  WorkerPool pool(std::max(1, n_threads));
  fmt::print("{}, {}, {} threads, {} columns; GMAC/s and GB/s at rows:\n{:<8}{:>7}",
             cpu_model_name(), isa_name(isa_level()), pool.n_threads(), n_cols, "type", "read");
  for (const int64_t n_x : kRowCounts) fmt::print("{:>16}", n_x);
  fmt::print("\n");
  for (const quant::TypeInfo& info : quant::all_types()) {
    const auto asked = [&](const char* name) { return quant::find_type(name) == &info; };
    if (argc > 3 && std::none_of(argv + 3, argv + argc, asked)) continue;
    if (info.decode == nullptr || n_cols % info.block_size != 0) continue;
    fmt::print("{:<8}{:>7.1f}", info.name, read_rate(pool));
    for (const int64_t n_x : kRowCounts) {
      const Rate rate = measure(info, n_cols, n_x, pool);
      fmt::print("{:>8.1f} {:>7.1f}", rate.macs * 1e-9, rate.bytes * 1e-9);
      std::fflush(stdout);
    }
    fmt::print("\n");
  }
  return 0;
}

}  // namespace
}  // namespace hearth::compute::cpu

int main(int argc, char** argv) { return hearth::compute::cpu::run(argc, argv); }
