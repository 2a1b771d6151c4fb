// MoeOp: router, choice, then one product a matrix over all experts, with the rows sorted by
// expert.
#include <algorithm>
#include <cstring>

#include "compute/cpu/expert_choice.h"
#include "compute/cpu/input_rows.h"
#include "compute/cpu/tiling.h"
#include "compute/cpu/workspace.h"

namespace hearth::compute::cpu {
namespace {

constexpr int64_t kExpertRowTile = 64;

// The rounded rows that a matrix takes of rows sorted by expert; null for floats.
RoundedRows* expert_rows(const WeightMatrix& matrix, int64_t n_max, Workspace& workspace) {
  if (matrix.format() == ActivationFormat::kF32) return nullptr;
  return &workspace.rounded_rows(RowSpace::kExperts, matrix.format(), matrix.n_cols(), n_max);
}

class Moe final : public Operation {
 public:
  Moe(const MoeOp& op, Workspace& workspace)
      : workspace_(workspace),
        op_(op),
        in_(workspace.buffer(op.in)),
        out_(workspace.buffer(op.out)),
        norm_(op.norm, workspace),
        router_(workspace.weights.matrix(op.router)),
        gate_(workspace.weights.matrix(op.gate)),
        up_(workspace.weights.matrix(op.up)),
        down_(workspace.weights.matrix(op.down)),
        order_(workspace.max_rows, op.n_experts, op.n_used, kExpertRowTile),
        scores_(static_cast<size_t>(workspace.max_rows * op.n_experts)) {
    const int64_t n_max = workspace.max_rows * workspace.most_used_experts;
    if (router_.format() != ActivationFormat::kF32) {
      router_rows_ = &workspace.rounded_rows(RowSpace::kBatch, router_.format(), in_.width,
                                             workspace.max_rows);
    }
    gate_rows_ = expert_rows(gate_, n_max, workspace);
    up_rows_ = expert_rows(up_, n_max, workspace);
    down_rows_ = expert_rows(down_, n_max, workspace);
    workspace.reserve(Shared::kMoeInput, workspace.max_rows * in_.width);
    workspace.reserve(Shared::kMoeGathered, n_max * in_.width);
    workspace.reserve(Shared::kMoeHidden, n_max * gate_.n_rows());
    workspace.reserve(Shared::kMoeOutput, n_max * out_.width);
  }

  void run(Walk& walk) override {
    const int64_t n_places = workspace_.step.n_rows * op_.n_used;
    norm_rows(walk);
    score_rows(walk);
    choose(walk);
    gather(walk, n_places);
    multiply_gate_up(walk, n_places);
    round_hidden(walk, n_places);
    multiply_down(walk, n_places);
    combine(walk);
  }

  int64_t n_experts() const override {
    int64_t n = 0;
    for (int32_t last = -1; const ExpertTile& tile : order_.tiles()) {
      n += tile.expert != last;
      last = tile.expert;
    }
    return n;
  }

 private:
  float* row_of(Shared which, int64_t i, int64_t width) const {
    return workspace_.shared(which) + i * width;
  }
  ThreadScratch& scratch(const Walk& walk) const {
    return workspace_.threads[static_cast<size_t>(walk.thread())];
  }

  void norm_rows(Walk& walk) {
    walk.enter(Stage::kRows);
    const Range rows = walk.share(workspace_.step.n_rows);
    for (int64_t r = rows.begin; r < rows.end; ++r) {
      float* x = row_of(Shared::kMoeInput, r, in_.width);
      if (norm_) {
        norm_.apply(in_.row(r), in_.width, x);
      } else {
        std::memcpy(x, in_.row(r), static_cast<size_t>(in_.width) * sizeof *x);
      }
      if (router_rows_ != nullptr) router_rows_->rows.set_row(r, x);
    }
  }

  void score_rows(Walk& walk) {
    walk.enter(Stage::kShared);
    const Tiling tiling = tile_product(router_, workspace_.step.n_rows, walk.n_threads());
    for_each_tile(walk, tiling, [&](const Tile& tile) {
      router_.multiply({.quantized = router_rows_ == nullptr ? nullptr : &router_rows_->rows,
                        .values = workspace_.shared(Shared::kMoeInput),
                        .stride = in_.width,
                        .row_begin = tile.row_begin,
                        .row_end = tile.row_end,
                        .column_begin = tile.column_begin,
                        .column_end = tile.column_end,
                        .out = scores_.data() + tile.row_begin * op_.n_experts + tile.column_begin,
                        .out_stride = op_.n_experts});
    });
  }

  void choose(Walk& walk) {
    walk.enter(Stage::kShared);
    const Range rows = walk.share(workspace_.step.n_rows);
    const float* bias = workspace_.weights.vector(op_.router_bias);
    for (int64_t r = rows.begin; r < rows.end; ++r) {
      float* scores = scores_.data() + r * op_.n_experts;
      if (bias != nullptr) workspace_.math.add(scores, bias, op_.n_experts);
      choose_experts(op_, {scores, static_cast<size_t>(op_.n_experts)}, order_.choices(r));
    }
    if (workspace_.step.n_rows > 1) walk.enter(Stage::kShared);
    // A single row's choice was thread 0's too.
    if (walk.thread() == 0) order_.sort(workspace_.step.n_rows);
  }

  // The normed rows in sorted order, as the matrices of the experts take them.
  void gather(Walk& walk, int64_t n_places) {
    walk.enter(Stage::kShared);
    const bool needs_floats = gate_rows_ == nullptr || up_rows_ == nullptr;
    const Range places = walk.share(n_places);
    for (int64_t i = places.begin; i < places.end; ++i) {
      const float* x = row_of(Shared::kMoeInput, order_.row_at(i), in_.width);
      if (gate_rows_ != nullptr) gate_rows_->rows.set_row(i, x);
      if (up_rows_ != nullptr && up_rows_ != gate_rows_) up_rows_->rows.set_row(i, x);
      if (needs_floats) {
        std::memcpy(row_of(Shared::kMoeGathered, i, in_.width), x,
                    static_cast<size_t>(in_.width) * sizeof *x);
      }
    }
  }

  // body(expert, tile) over all experts' rows, for the items that this thread gets.
  template <class Body>
  void for_each_expert_tile(Walk& walk, const WeightMatrix& matrix, int64_t n_places,
                            const Body& body) {
    walk.enter(Stage::kShared);
    Tiling tiling = tile_product(matrix, std::min(n_places, kExpertRowTile), walk.n_threads());
    const int64_t room = kTileFloats / std::min(n_places, kExpertRowTile);
    tiling.column_chunk =
        std::min(tiling.column_chunk, room / matrix.column_step() * matrix.column_step());
    const auto tiles = order_.tiles();
    const int64_t n_chunks = tiling.n_chunks();
    const int64_t n_items = static_cast<int64_t>(tiles.size()) * n_chunks;
    for_each_item(walk, n_items, [&](int64_t item) {
      const ExpertTile& rows = tiles[static_cast<size_t>(item / n_chunks)];
      body(rows.expert, tiling.chunk(rows.begin, rows.end, item % n_chunks));
    });
  }

  Product product(const RoundedRows* rounded, const float* values, int64_t width, int64_t expert,
                  const Tile& tile) const {
    return {.quantized = rounded == nullptr ? nullptr : &rounded->rows,
            .values = values,
            .stride = width,
            .row_begin = tile.row_begin,
            .row_end = tile.row_end,
            .slice = expert,
            .column_begin = tile.column_begin,
            .column_end = tile.column_end,
            .out_stride = tile.n_columns()};
  }

  void multiply_gate_up(Walk& walk, int64_t n_places) {
    const WeightMatrix& coarser = gate_.column_step() >= up_.column_step() ? gate_ : up_;
    const ThreadScratch& own = scratch(walk);
    for_each_expert_tile(walk, coarser, n_places, [&](int64_t expert, const Tile& tile) {
      const float* gathered = workspace_.shared(Shared::kMoeGathered);
      Product gate = product(gate_rows_, gathered, in_.width, expert, tile);
      gate.out = own.tile[0];
      gate_.multiply(gate);
      Product up = product(up_rows_, gathered, in_.width, expert, tile);
      up.out = own.tile[1];
      up_.multiply(up);
      for (int64_t r = 0; r < tile.n_rows(); ++r) {
        workspace_.math.gate(
            gate.out + r * tile.n_columns(), up.out + r * tile.n_columns(), tile.n_columns(),
            op_.activation,
            row_of(Shared::kMoeHidden, tile.row_begin + r, gate_.n_rows()) + tile.column_begin);
      }
    });
  }

  void round_hidden(Walk& walk, int64_t n_places) {
    if (down_rows_ == nullptr) return;
    walk.enter(Stage::kShared);
    const Range places = walk.share(n_places);
    for (int64_t i = places.begin; i < places.end; ++i)
      down_rows_->rows.set_row(i, row_of(Shared::kMoeHidden, i, gate_.n_rows()));
  }

  void multiply_down(Walk& walk, int64_t n_places) {
    for_each_expert_tile(walk, down_, n_places, [&](int64_t expert, const Tile& tile) {
      Product down =
          product(down_rows_, workspace_.shared(Shared::kMoeHidden), gate_.n_rows(), expert, tile);
      down.out = row_of(Shared::kMoeOutput, tile.row_begin, out_.width) + tile.column_begin;
      down.out_stride = out_.width;
      down_.multiply(down);
    });
  }

  void combine(Walk& walk) {
    walk.enter(Stage::kRows);
    const Range rows = walk.share(workspace_.step.n_rows);
    float* sum = scratch(walk).row;
    for (int64_t r = rows.begin; r < rows.end; ++r) {
      std::fill_n(sum, out_.width, 0.0f);
      const auto choices = order_.choices(r);
      for (size_t c = 0; c < choices.size(); ++c) {
        const int64_t place = order_.place_of(r, static_cast<int64_t>(c));
        workspace_.math.add_scaled(sum, row_of(Shared::kMoeOutput, place, out_.width),
                                   choices[c].weight, out_.width);
      }
      workspace_.math.add_scaled(out_.row(r), sum, op_.scale, out_.width);
    }
  }

  Workspace& workspace_;
  MoeOp op_;
  Buffer in_, out_;
  NormStep norm_;
  const WeightMatrix& router_;
  const WeightMatrix& gate_;
  const WeightMatrix& up_;
  const WeightMatrix& down_;
  RoundedRows* router_rows_ = nullptr;
  RoundedRows* gate_rows_;
  RoundedRows* up_rows_;
  RoundedRows* down_rows_;
  ExpertOrder order_;
  std::vector<float> scores_;  // [max_rows, n_experts]
};

}  // namespace

Result<std::unique_ptr<Operation>> make_operation(const MoeOp& op, Workspace& workspace) {
  return std::make_unique<Moe>(op, workspace);
}

}  // namespace hearth::compute::cpu
