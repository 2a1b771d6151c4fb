// The operations around a matrix product: LinearOp, GatedOp and LogitsOp, their epilogues applied
// to each tile while it is in the cache.
#include <cstring>

#include "compute/cpu/input_rows.h"
#include "compute/cpu/tiling.h"
#include "compute/cpu/workspace.h"

namespace hearth::compute::cpu {
namespace {

// A tile's product, row-major in `out`.
void multiply_tile(const WeightMatrix& matrix, Product product, const Tile& tile, float* out,
                   int64_t out_stride) {
  product.row_begin = tile.row_begin;
  product.row_end = tile.row_end;
  product.column_begin = tile.column_begin;
  product.column_end = tile.column_end;
  product.out = out;
  product.out_stride = out_stride;
  matrix.multiply(product);
}

class Linear final : public Operation {
 public:
  Linear(const LinearOp& op, InputRows input, Workspace& workspace)
      : workspace_(workspace),
        input_(std::move(input)),
        matrix_(workspace.weights.matrix(op.weight)),
        bias_(workspace.weights.vector(op.bias)),
        out_(workspace.buffer(op.out)),
        op_(op) {}

  void run(Walk& walk) override {
    input_.prepare(walk);
    walk.enter(Stage::kShared);
    const Product product = input_.product(matrix_, walk.thread());
    float* scratch = workspace_.threads[static_cast<size_t>(walk.thread())].tile[0];
    for_each_tile(
        walk, tile_product(matrix_, input_.n_rows(), walk.n_threads()), [&](const Tile& tile) {
          float* out = out_.row(tile.row_begin) + tile.column_begin;
          if (!op_.accumulate) {
            multiply_tile(matrix_, product, tile, out, out_.width);
            return finish(tile, out, out_.width);
          }
          multiply_tile(matrix_, product, tile, scratch, tile.n_columns());
          finish(tile, scratch, tile.n_columns());
          for (int64_t r = 0; r < tile.n_rows(); ++r) {
            workspace_.math.add_scaled(out + r * out_.width, scratch + r * tile.n_columns(),
                                       op_.scale, tile.n_columns());
          }
        });
  }

 private:
  void finish(const Tile& tile, float* y, int64_t stride) const {
    for (int64_t r = 0; r < tile.n_rows(); ++r, y += stride) {
      if (bias_ != nullptr) workspace_.math.add(y, bias_ + tile.column_begin, tile.n_columns());
      if (op_.activation != Activation::kIdentity)
        workspace_.math.activate(y, tile.n_columns(), op_.activation);
    }
  }

  Workspace& workspace_;
  InputRows input_;
  const WeightMatrix& matrix_;
  const float* bias_;
  Buffer out_;
  LinearOp op_;
};

class Gated final : public Operation {
 public:
  Gated(const GatedOp& op, InputRows input, Workspace& workspace)
      : workspace_(workspace),
        input_(std::move(input)),
        gate_(workspace.weights.matrix(op.gate)),
        up_(workspace.weights.matrix(op.up)),
        gate_bias_(workspace.weights.vector(op.gate_bias)),
        up_bias_(workspace.weights.vector(op.up_bias)),
        out_(workspace.buffer(op.out)),
        activation_(op.activation) {}

  void run(Walk& walk) override {
    input_.prepare(walk);
    walk.enter(Stage::kShared);
    const Product gate_product = input_.product(gate_, walk.thread());
    const Product up_product = input_.product(up_, walk.thread());
    const ThreadScratch& scratch = workspace_.threads[static_cast<size_t>(walk.thread())];
    const Tiling tiling = tile_product(gate_.column_step() >= up_.column_step() ? gate_ : up_,
                                       input_.n_rows(), walk.n_threads());
    for_each_tile(walk, tiling, [&](const Tile& tile) {
      multiply_tile(gate_, gate_product, tile, scratch.tile[0], tile.n_columns());
      multiply_tile(up_, up_product, tile, scratch.tile[1], tile.n_columns());
      for (int64_t r = 0; r < tile.n_rows(); ++r) {
        float* gate = scratch.tile[0] + r * tile.n_columns();
        float* up = scratch.tile[1] + r * tile.n_columns();
        if (gate_bias_ != nullptr)
          workspace_.math.add(gate, gate_bias_ + tile.column_begin, tile.n_columns());
        if (up_bias_ != nullptr)
          workspace_.math.add(up, up_bias_ + tile.column_begin, tile.n_columns());
        workspace_.math.gate(gate, up, tile.n_columns(), activation_,
                             out_.row(tile.row_begin + r) + tile.column_begin);
      }
    });
  }

 private:
  Workspace& workspace_;
  InputRows input_;
  const WeightMatrix& gate_;
  const WeightMatrix& up_;
  const float* gate_bias_;
  const float* up_bias_;
  Buffer out_;
  Activation activation_;
};

class Logits final : public Operation {
 public:
  Logits(const LogitsOp& op, InputRows input, Workspace& workspace)
      : workspace_(workspace),
        input_(std::move(input)),
        matrix_(workspace.weights.matrix(op.weight)),
        bias_(workspace.weights.vector(op.bias)),
        op_(op) {}

  void run(Walk& walk) override {
    if (input_.n_rows() == 0) return;
    input_.prepare(walk);
    walk.enter(Stage::kShared);
    const Product product = input_.product(matrix_, walk.thread());
    const int64_t n_vocab = workspace_.n_vocab;
    for_each_tile(
        walk, tile_product(matrix_, input_.n_rows(), walk.n_threads()), [&](const Tile& tile) {
          float* out = workspace_.step.logits + tile.row_begin * n_vocab + tile.column_begin;
          multiply_tile(matrix_, product, tile, out, n_vocab);
          for (int64_t r = tile.row_begin; r < tile.row_end; ++r, out += n_vocab)
            finish(r, tile, out);
        });
  }

 private:
  void finish(int64_t r, const Tile& tile, float* y) const {
    const int64_t n = tile.n_columns();
    if (bias_ != nullptr) workspace_.math.add(y, bias_ + tile.column_begin, n);
    if (op_.scale != 1.0f) workspace_.math.scale(y, op_.scale, n);
    if (op_.softcap > 0) workspace_.math.softcap(y, op_.softcap, n);
    if (!workspace_.math.all_finite(y, n)) note_bad_row(r);
  }

  void note_bad_row(int64_t r) const {
    std::atomic<int64_t>& first = workspace_.step.first_bad_row;
    int64_t seen = first.load(std::memory_order_relaxed);
    while (r < seen && !first.compare_exchange_weak(seen, r, std::memory_order_relaxed)) {
    }
  }

  Workspace& workspace_;
  InputRows input_;
  const WeightMatrix& matrix_;
  const float* bias_;
  LogitsOp op_;
};

}  // namespace

Result<std::unique_ptr<Operation>> make_operation(const LinearOp& op, Workspace& workspace) {
  const WeightMatrix& matrix = workspace.weights.matrix(op.weight);
  InputRows input({.in = op.in, .norm = op.norm, .space = RowSpace::kBatch, .consumers = {&matrix}},
                  workspace);
  return std::make_unique<Linear>(op, std::move(input), workspace);
}

Result<std::unique_ptr<Operation>> make_operation(const GatedOp& op, Workspace& workspace) {
  const Weights& weights = workspace.weights;
  InputRows input({.in = op.in,
                   .norm = op.norm,
                   .space = RowSpace::kBatch,
                   .consumers = {&weights.matrix(op.gate), &weights.matrix(op.up)}},
                  workspace);
  return std::make_unique<Gated>(op, std::move(input), workspace);
}

Result<std::unique_ptr<Operation>> make_operation(const LogitsOp& op, Workspace& workspace) {
  const WeightMatrix& matrix = workspace.weights.matrix(op.weight);
  InputRows input(
      {.in = op.in, .norm = op.norm, .space = RowSpace::kLogits, .consumers = {&matrix}},
      workspace);
  return std::make_unique<Logits>(op, std::move(input), workspace);
}

}  // namespace hearth::compute::cpu
