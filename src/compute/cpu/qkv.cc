// QkvOp: the three projections as one list of items, each some whole heads of a row tile, with
// bias, head norm, rotation and the cache write applied while the tile is in the cache.
#include <algorithm>
#include <array>
#include <numeric>

#include "compute/cpu/input_rows.h"
#include "compute/cpu/tiling.h"
#include "compute/cpu/workspace.h"

namespace hearth::compute::cpu {
namespace {

enum class Target { kQuery, kKey, kValue };

struct Projection {
  Target target;
  const WeightMatrix* matrix;
  const float* bias;
  NormStep norm;
  int64_t n_heads;
  int64_t heads_per_item;  // so that an item starts at a panel of the matrix
  bool turns;
  int64_t n_items() const { return (n_heads + heads_per_item - 1) / heads_per_item; }
};

class Qkv final : public Operation {
 public:
  Qkv(const QkvOp& op, InputRows input, Workspace& workspace)
      : workspace_(workspace),
        input_(std::move(input)),
        q_out_(workspace.buffer(op.q_out)),
        rope_(op.rope == kNone ? nullptr : &workspace.ropes[static_cast<size_t>(op.rope)]),
        head_dim_(op.head_dim),
        kv_layer_(op.kv_layer) {
    const Weights& weights = workspace.weights;
    projections_ = {
        projection(Target::kQuery, weights.matrix(op.q), weights.vector(op.q_bias), op.n_heads),
        projection(Target::kKey, weights.matrix(op.k), weights.vector(op.k_bias), op.n_kv_heads),
        projection(Target::kValue, weights.matrix(op.v), weights.vector(op.v_bias), op.n_kv_heads),
    };
    projections_[0].norm = NormStep(op.q_norm, workspace);
    projections_[1].norm = NormStep(op.k_norm, workspace);
    for (const Projection& p : projections_) {
      n_items_ += p.n_items();
      const int64_t room = kTileFloats / (p.heads_per_item * head_dim_);
      row_tile_ = std::min({row_tile_, p.matrix->row_tile(), room});
    }
  }

  // Whole heads that fill whole panels must fit in a thread's tile.
  bool fits() const { return row_tile_ > 0; }

  void run(Walk& walk) override {
    input_.prepare(walk);
    walk.enter(Stage::kShared);
    const int64_t n_rows = input_.n_rows(), n_row_tiles = (n_rows + row_tile_ - 1) / row_tile_;
    for_each_item(walk, n_row_tiles * n_items_, [&](int64_t item) {
      const int64_t row = item / n_items_ * row_tile_;
      int64_t index = item % n_items_;
      size_t which = 0;
      while (index >= projections_[which].n_items()) index -= projections_[which++].n_items();
      run_item(projections_[which], index, {row, std::min(n_rows, row + row_tile_)}, walk.thread());
    });
  }

 private:
  Projection projection(Target target, const WeightMatrix& matrix, const float* bias,
                        int64_t n_heads) const {
    return {.target = target,
            .matrix = &matrix,
            .bias = bias,
            .norm = {},
            .n_heads = n_heads,
            .heads_per_item = std::lcm(head_dim_, matrix.column_step()) / head_dim_,
            .turns = target != Target::kValue && rope_ != nullptr};
  }

  void run_item(const Projection& p, int64_t index, Range rows, int thread) {
    const int64_t first_head = index * p.heads_per_item;
    const int64_t n_heads = std::min(p.heads_per_item, p.n_heads - first_head);
    Product product = input_.product(*p.matrix, thread);
    product.row_begin = rows.begin;
    product.row_end = rows.end;
    product.column_begin = first_head * head_dim_;
    product.column_end = (first_head + n_heads) * head_dim_;
    if (p.target == Target::kQuery) {
      product.out = q_out_.row(rows.begin) + product.column_begin;
      product.out_stride = q_out_.width;
    } else {
      product.out = workspace_.threads[static_cast<size_t>(thread)].tile[0];
      product.out_stride = n_heads * head_dim_;
    }
    p.matrix->multiply(product);
    for (int64_t r = rows.begin; r < rows.end; ++r) {
      float* heads = product.out + (r - rows.begin) * product.out_stride;
      if (p.bias != nullptr)
        workspace_.math.add(heads, p.bias + product.column_begin, n_heads * head_dim_);
      for (int64_t h = 0; h < n_heads; ++h)
        finish_head(p, r, first_head + h, heads + h * head_dim_);
    }
  }

  void finish_head(const Projection& p, int64_t r, int64_t head, float* x) {
    if (p.norm) p.norm.apply(x, head_dim_, x);
    if (p.turns) {
      const auto rotate =
          rope_->rope.is_neox ? workspace_.math.rotate_halves : workspace_.math.rotate_neighbours;
      rotate(x, rope_->cosine + r * rope_->n_pairs, rope_->sine + r * rope_->n_pairs,
             rope_->n_pairs);
    }
    if (p.target == Target::kQuery) return;
    const Row& row = workspace_.step.row(r);
    const auto table = workspace_.step.block_table(row);
    const int32_t block = table[static_cast<size_t>(row.position / kKvBlockTokens)];
    std::byte* stored = workspace_.cache.head(kv_layer_, block, static_cast<int32_t>(head));
    const int64_t slot = row.position % kKvBlockTokens;
    const KvFormat& format = workspace_.cache.format();
    (p.target == Target::kKey ? format.store_key : format.store_value)(stored, head_dim_, slot, x);
  }

  Workspace& workspace_;
  InputRows input_;
  Buffer q_out_;
  const RopeTable* rope_;
  int64_t head_dim_;
  int32_t kv_layer_;
  std::array<Projection, 3> projections_;
  int64_t n_items_ = 0;
  int64_t row_tile_ = kTileFloats;
};

}  // namespace

Result<std::unique_ptr<Operation>> make_operation(const QkvOp& op, Workspace& workspace) {
  const Weights& weights = workspace.weights;
  InputRows input(
      {.in = op.in,
       .norm = op.norm,
       .space = RowSpace::kBatch,
       .consumers = {&weights.matrix(op.q), &weights.matrix(op.k), &weights.matrix(op.v)}},
      workspace);
  auto qkv = std::make_unique<Qkv>(op, std::move(input), workspace);
  if (!qkv->fits()) return fail(ErrorCode::kUnsupported, "heads of this size do not fit in a tile");
  return qkv;
}

}  // namespace hearth::compute::cpu
