#include "lab/product_rate.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <vector>

#include "base/worker_pool.h"
#include "compute/cpu/packed_matrix.h"

namespace hearth::lab {
namespace {

using compute::cpu::PackedMatrix;
using compute::cpu::QuantizedRows;

constexpr int64_t kColumns = 1536;  // a multiple of every block size
constexpr int64_t kRows = 64;       // a kernel's tile
constexpr int64_t kMatrixBytes = 256 << 10;
constexpr int kProductsAPass = 8;
constexpr double kSeconds = 0.2;

double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Bytes whose halfs are of normal magnitude whatever their place: subnormal sums would be slow.
std::vector<std::byte> some_weights(size_t n_bytes) {
  std::vector<std::byte> bytes(n_bytes);
  uint32_t state = 1;
  for (std::byte& byte : bytes) {
    state = state * 1664525 + 1013904223;
    byte = static_cast<std::byte>(0x28 | ((state >> 24) & 0x17));
  }
  return bytes;
}

QuantizedRows some_rows(compute::ActivationFormat format) {
  std::vector<float> values(static_cast<size_t>(kColumns));
  QuantizedRows rows(kRows, kColumns);
  rows.reset(kRows, kColumns, format);
  for (int64_t row = 0; row < kRows; ++row) {
    for (size_t i = 0; i < values.size(); ++i)
      values[i] = std::sin(static_cast<float>(i + static_cast<size_t>(row)));
    rows.set_row(row, values.data());
  }
  return rows;
}

// One thread's own matrix, activations and results.
struct Product {
  PackedMatrix weights;
  QuantizedRows rows;
  std::vector<float> out;

  void run() {
    weights.multiply(rows, 0, kRows, 0, 0, weights.n_panels(), out.data(), weights.n_rows());
  }
};

}  // namespace

Result<std::optional<double>> measure_product_rate(quant::Type type, int n_threads) {
  if (!PackedMatrix::can_pack(type, kColumns, isa_level())) return std::nullopt;
  const quant::TypeInfo& info = quant::type_info(type);
  const int64_t row_bytes = kColumns / info.block_size * info.block_bytes;
  const int64_t n_rows = kMatrixBytes / row_bytes / 16 * 16;
  const auto bytes = some_weights(static_cast<size_t>(n_rows * row_bytes));
  WorkerPool pool(n_threads);
  std::vector<Product> products;
  for (int thread = 0; thread < pool.n_threads(); ++thread) {
    PackedMatrix weights =
        TRY(PackedMatrix::pack({"weights", type, n_rows, kColumns, 1, bytes}, isa_level(), pool));
    QuantizedRows rows = some_rows(weights.activation_format());
    products.push_back({std::move(weights), std::move(rows),
                        std::vector<float>(static_cast<size_t>(kRows * n_rows))});
  }
  double best = std::numeric_limits<double>::infinity();
  for (const double end = seconds() + kSeconds; seconds() < end;) {
    const double start = seconds();
    pool.run([&](int thread) {
      for (int i = 0; i < kProductsAPass; ++i) products[static_cast<size_t>(thread)].run();
    });
    best = std::min(best, seconds() - start);
  }
  return static_cast<double>(n_rows * kColumns * kRows * kProductsAPass * pool.n_threads()) / best;
}

}  // namespace hearth::lab
