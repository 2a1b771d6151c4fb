// The rate of attention, by KV type, context length and number of rows:
//
//   bench_attention [threads] [heads] [KV heads] [head size] [window]
//
// One row, as in generation: GB/s of keys and values (counted once for all heads that share them),
// from 64 MiB of them or more, so that they come from memory. A prompt's rows: GMAC/s. Each figure
// is the best of all runs in half a second, since other programs on the machine only ever make a
// run slower.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <numeric>
#include <random>
#include <vector>

#include "base/cpu_features.h"
#include "base/usable_cpus.h"
#include "base/worker_pool.h"
#include "best_time.h"
#include "compute/cpu/executor.h"
#include "compute/cpu/workspace.h"

namespace hearth::compute::cpu {
namespace {

constexpr int64_t kLeastBytes = 64 << 20;
constexpr int32_t kPromptRows = 512;

struct Shape {
  int32_t n_heads, n_kv_heads, head_dim, window;
};

// A program of attention alone: as many layers as it takes for kLeastBytes of cache.
class AttentionModel {
 public:
  AttentionModel(const Shape& shape, KvType type, int32_t n_positions, int32_t n_layers,
                 WorkerPool& pool)
      : shape_(shape), n_blocks_(kv_blocks_for(n_positions)) {
    const int32_t width = shape.n_heads * shape.head_dim;
    Program program{.buffer_widths = {width, width}, .ropes = {}, .ops = {}, .n_vocab = 0};
    KvConfig kv{.type = type, .layers = {}, .n_blocks = n_blocks_};
    for (int32_t layer = 0; layer < n_layers; ++layer) {
      program.ops.push_back(AttentionOp{.q = 0,
                                        .out = 1,
                                        .kv_layer = layer,
                                        .n_heads = shape.n_heads,
                                        .n_kv_heads = shape.n_kv_heads,
                                        .head_dim = shape.head_dim,
                                        .scale = 0.125f,
                                        .window = shape.window});
      kv.layers.push_back({shape.n_kv_heads, shape.head_dim});
    }
    auto workspace = std::make_unique<Workspace>(weights_, pool, isa_level());
    workspace_ = workspace.get();
    auto executor = Executor::create(program, kv, kPromptRows, std::move(workspace));
    if (!executor) {
      fmt::print(stderr, "{}\n", executor.error().message);
      std::exit(1);
    }
    executor_ = std::move(*executor);
    blocks_.resize(static_cast<size_t>(n_blocks_));
    std::iota(blocks_.begin(), blocks_.end(), 0);
    fill(n_layers);
  }

  // Rows at the end of `n_positions`.
  double time(int32_t n_rows, int32_t n_positions) {
    std::vector<Row> rows;
    for (int32_t r = 0; r < n_rows; ++r) rows.push_back({0, n_positions - n_rows + r, 0, false});
    const std::span<const int32_t> table = blocks_;
    return best_time([&] {
      if (!executor_->run({rows, {&table, 1}}, {})) std::exit(1);
    });
  }

 private:
  void fill(int32_t n_layers) {
    std::mt19937 random(1);
    std::normal_distribution<float> normal;
    std::vector<float> values(static_cast<size_t>(64 * shape_.head_dim));
    for (float& value : values) value = normal(random);
    const Buffer& q = workspace_->buffer(0);
    for (int64_t i = 0; i < kPromptRows * q.width; ++i)
      q.data[i] = values[static_cast<size_t>(i) % values.size()];
    const KvCache& cache = workspace_->cache;
    for (int32_t i = 0; i < n_layers * n_blocks_ * shape_.n_kv_heads * kKvBlockTokens; ++i) {
      const int32_t slot = i % kKvBlockTokens, head = i / kKvBlockTokens % shape_.n_kv_heads;
      const int32_t at = i / kKvBlockTokens / shape_.n_kv_heads;
      std::byte* stored = cache.head(at / n_blocks_, at % n_blocks_, head);
      cache.format().store_key(stored, shape_.head_dim, slot, values.data() + i % 63);
      cache.format().store_value(stored, shape_.head_dim, slot, values.data() + i % 61);
    }
  }

  Shape shape_;
  int32_t n_blocks_;
  Weights weights_;
  std::unique_ptr<Executor> executor_;
  Workspace* workspace_;
  std::vector<int32_t> blocks_;
};

// Positions that the rows of a step see, all together.
int64_t seen(const Shape& shape, int32_t n_rows, int32_t n_positions) {
  int64_t n = 0;
  for (int32_t p = n_positions - n_rows; p < n_positions; ++p)
    n += shape.window > 0 ? std::min(shape.window, p + 1) : p + 1;
  return n;
}

void measure(const Shape& shape, KvType type, int32_t n_positions, WorkerPool& pool) {
  const auto visible = static_cast<int32_t>(seen(shape, 1, n_positions));
  const int64_t block_bytes = kv_head_bytes(type, shape.head_dim) * shape.n_kv_heads;
  const double row_bytes = static_cast<double>(block_bytes) * visible / kKvBlockTokens;
  const auto n_layers = static_cast<int32_t>(1 + static_cast<double>(kLeastBytes) / row_bytes);
  AttentionModel layers(shape, type, n_positions, n_layers, pool);
  AttentionModel layer(shape, type, n_positions, 1, pool);
  const int32_t n_rows = std::min(n_positions, kPromptRows);
  const auto products =
      static_cast<double>(seen(shape, n_rows, n_positions)) * 2 * shape.n_heads * shape.head_dim;
  fmt::print("{:>8.1f} {:>7.1f}", row_bytes * n_layers / layers.time(1, n_positions) * 1e-9,
             products / layer.time(n_rows, n_positions) * 1e-9);
  std::fflush(stdout);
}

int run(int argc, char** argv) {
  const auto argument = [&](int i, int otherwise) {
    return argc > i ? std::atoi(argv[i]) : otherwise;
  };
  WorkerPool pool(std::max(1, argument(1, usable_physical_cores())));
  const Shape shape{argument(2, 9), argument(3, 3), argument(4, 64), argument(5, 0)};
  constexpr int32_t kPositions[] = {512, 4096, 32768};
  fmt::print("{}, {}, {} threads; {} heads, {} KV heads of {}, window {}\n", cpu_model_name(),
             isa_name(isa_level()), pool.n_threads(), shape.n_heads, shape.n_kv_heads,
             shape.head_dim, shape.window);
  fmt::print("GB/s of 1 row and GMAC/s of {} at positions:\n{:<5}", kPromptRows, "KV");
  for (const int32_t n : kPositions) fmt::print("{:>16}", n);
  fmt::print("\n");
  const char* names[] = {"f32", "f16", "q8_0"};
  for (const KvType type : {KvType::kF32, KvType::kF16, KvType::kQ8_0}) {
    fmt::print("{:<5}", names[static_cast<size_t>(type)]);
    for (const int32_t n : kPositions) measure(shape, type, n, pool);
    fmt::print("\n");
  }
  return 0;
}

}  // namespace
}  // namespace hearth::compute::cpu

int main(int argc, char** argv) { return hearth::compute::cpu::run(argc, argv); }
