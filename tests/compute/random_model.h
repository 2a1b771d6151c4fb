// Small random models of every kind of operation, and batches for them, for the backend tests.
#pragma once

#include <cmath>
#include <cstdint>
#include <deque>
#include <memory>
#include <ostream>
#include <random>
#include <string>
#include <vector>

#include "base/half.h"
#include "compute/backend.h"

namespace hearth::compute::test {

struct Recipe {
  std::string name;
  std::vector<quant::Type> types = {quant::Type::kF32};  // taken in turn, matrix by matrix
  KvType kv = KvType::kF32;
  int32_t n_layers = 2;
  int32_t width = 64, n_heads = 4, n_kv_heads = 2, head_dim = 16, hidden = 96, n_vocab = 131;
  NormKind norm = NormKind::kRms;
  Activation activation = Activation::kSilu;
  bool is_neox = true;
  int32_t rope_dims = 16;
  bool has_bias = false;
  bool has_head_norm = false;
  bool has_sinks = false;
  bool is_gated = true;
  bool has_post_norm = false;  // a branch goes through a norm before it joins the residual
  int32_t window = 0;          // of the even layers
  float softcap = 0, logit_softcap = 0, logit_scale = 1, embed_scale = 1;
  int32_t n_experts = 0, n_used = 2;
  Gating gating = Gating::kSoftmax;
  bool normalize = true;
};

inline void PrintTo(const Recipe& recipe, std::ostream* out) { *out << recipe.name; }

// The weights' bytes and what they are; the backends that a model was added to refer to them.
class RandomModel {
 public:
  RandomModel(Recipe recipe, uint32_t seed) : recipe_(std::move(recipe)), random_(seed) { build(); }

  const Recipe& recipe() const { return recipe_; }
  Program& program() { return program_; }
  KvConfig kv_config(int32_t n_blocks) const {
    KvConfig kv{.type = recipe_.kv, .layers = {}, .n_blocks = n_blocks};
    for (int32_t i = 0; i < recipe_.n_layers; ++i)
      kv.layers.push_back({recipe_.n_kv_heads, recipe_.head_dim});
    return kv;
  }

  Result<void> add_to(Backend& backend, int32_t n_blocks, int32_t max_rows) const {
    for (const Matrix& m : matrices_) TRY(backend.add_matrix(m.source()));
    for (const auto& values : vectors_) backend.add_vector(values);
    TRY(backend.add_table(table_.source()));
    return backend.prepare(program_, kv_config(n_blocks), max_rows);
  }

  struct Matrix {
    quant::Type type;
    int64_t n_rows, n_cols, n_slices;
    std::vector<std::byte> data;
    MatrixSource source() const { return {"random", type, n_rows, n_cols, n_slices, data}; }
  };
  std::deque<Matrix>& matrices() { return matrices_; }

 private:
  // Offsets of the halfs in a block of a quantized type that scale its values.
  static std::vector<size_t> scale_places(quant::Type type) {
    switch (type) {
      case quant::Type::kQ4_1:
      case quant::Type::kQ5_1:
      case quant::Type::kQ4_K:
      case quant::Type::kQ5_K: return {0, 2};
      case quant::Type::kQ2_K: return {80, 82};
      case quant::Type::kQ3_K: return {108};
      case quant::Type::kQ6_K: return {208};
      default: return {0};
    }
  }

  float normal() { return std::normal_distribution<float>()(random_); }

  // Random codes, scaled so that a product keeps about its input's size.
  Matrix random_matrix(quant::Type type, int64_t n_rows, int64_t n_cols, int64_t n_slices) {
    const quant::TypeInfo& info = quant::type_info(type);
    Matrix matrix{type, n_rows, n_cols, n_slices, {}};
    const auto n_values = static_cast<size_t>(n_rows * n_cols * n_slices);
    const size_t n_blocks = n_values / info.block_size;
    matrix.data.resize(n_blocks * info.block_bytes);
    std::vector<float> values(n_values);
    const float size = 1.0f / std::sqrt(static_cast<float>(n_cols));
    if (info.block_size == 1) {
      for (float& value : values) value = normal() * size;
      info.encode(values.data(), n_blocks, matrix.data.data());
      return matrix;
    }
    for (std::byte& byte : matrix.data) byte = static_cast<std::byte>(random_());
    std::vector<float> scales;
    for (int pass = 0; pass < 2; ++pass) {
      float factor = 1;
      if (pass == 1) {
        double squares = 0;
        info.decode(matrix.data.data(), n_blocks, values.data());
        for (const float value : values) squares += double{value} * value;
        factor = size / static_cast<float>(std::sqrt(squares / static_cast<double>(n_values)));
      }
      size_t next = 0;
      for (size_t b = 0; b < n_blocks; ++b) {
        for (const size_t place : scale_places(type)) {
          if (pass == 0) scales.push_back(0.5f + 0.5f * std::abs(normal()));
          const uint16_t half = float_to_half(scales[next++] * factor);
          std::memcpy(matrix.data.data() + b * info.block_bytes + place, &half, sizeof half);
        }
      }
    }
    return matrix;
  }

  MatrixId matrix(int64_t n_rows, int64_t n_cols, int64_t n_slices = 1) {
    const quant::Type type = recipe_.types[matrices_.size() % recipe_.types.size()];
    matrices_.push_back(random_matrix(type, n_rows, n_cols, n_slices));
    return static_cast<MatrixId>(matrices_.size() - 1);
  }
  VectorId vector(int64_t n, float mean, float deviation) {
    std::vector<float> values(static_cast<size_t>(n));
    for (float& value : values) value = mean + deviation * normal();
    vectors_.push_back(std::move(values));
    return static_cast<VectorId>(vectors_.size() - 1);
  }
  VectorId bias(int64_t n) { return recipe_.has_bias ? vector(n, 0, 0.3f) : kNone; }
  Norm norm(int64_t n) {
    const VectorId weight = vector(n, 1, 0.2f);
    const bool biased = recipe_.norm == NormKind::kLayer;
    return {recipe_.norm, weight, biased ? vector(n, 0, 0.2f) : kNone, 1e-5f};
  }

  void build() {
    const Recipe& r = recipe_;
    const int32_t q_width = r.n_heads * r.head_dim, kv_width = r.n_kv_heads * r.head_dim;
    program_.buffer_widths = {r.width, q_width, q_width, r.hidden, r.width};
    program_.n_vocab = r.n_vocab;
    Rope rope{.is_neox = r.is_neox, .inverse_frequency = {}, .magnitude = 1.1f};
    for (int32_t i = 0; i < r.rope_dims / 2; ++i)
      rope.inverse_frequency.push_back(
          std::pow(10000.0f, -2.0f * static_cast<float>(i) / static_cast<float>(r.rope_dims)));
    program_.ropes.push_back(std::move(rope));
    program_.ops.push_back(EmbedOp{.table = 0, .scale = r.embed_scale, .out = kX});
    for (int32_t layer = 0; layer < r.n_layers; ++layer) {
      QkvOp qkv{.in = kX,
                .norm = norm(r.width),
                .q = matrix(q_width, r.width),
                .k = matrix(kv_width, r.width),
                .v = matrix(kv_width, r.width),
                .q_bias = bias(q_width),
                .k_bias = bias(kv_width),
                .v_bias = bias(kv_width),
                .q_norm = {},
                .k_norm = {},
                .rope = 0,
                .n_heads = r.n_heads,
                .n_kv_heads = r.n_kv_heads,
                .head_dim = r.head_dim,
                .q_out = kQ,
                .kv_layer = layer};
      if (r.has_head_norm) qkv.q_norm = norm(r.head_dim), qkv.k_norm = norm(r.head_dim);
      program_.ops.push_back(qkv);
      program_.ops.push_back(AttentionOp{.q = kQ,
                                         .out = kAttended,
                                         .kv_layer = layer,
                                         .n_heads = r.n_heads,
                                         .n_kv_heads = r.n_kv_heads,
                                         .head_dim = r.head_dim,
                                         .scale = 1.0f / std::sqrt(static_cast<float>(r.head_dim)),
                                         .softcap = r.softcap,
                                         .window = layer % 2 == 0 ? r.window : 0,
                                         .sinks = r.has_sinks ? vector(r.n_heads, 0, 1) : kNone});
      join(kAttended, q_width);
      feed_forward();
    }
    program_.ops.push_back(LogitsOp{.in = kX,
                                    .norm = norm(r.width),
                                    .weight = matrix(r.n_vocab, r.width),
                                    .bias = bias(r.n_vocab),
                                    .scale = r.logit_scale,
                                    .softcap = r.logit_softcap});
    table_ = random_matrix(r.types[0], r.n_vocab, r.width, 1);
  }

  // x += W in, directly or through a norm.
  void join(BufferId in, int32_t width) {
    const bool direct = !recipe_.has_post_norm;
    program_.ops.push_back(LinearOp{.in = in,
                                    .norm = {},
                                    .weight = matrix(recipe_.width, width),
                                    .bias = bias(recipe_.width),
                                    .out = direct ? kX : kBranch,
                                    .accumulate = direct,
                                    .scale = direct ? 0.9f : 1.0f});
    if (!direct) {
      program_.ops.push_back(
          ResidualOp{.in = kBranch, .norm = norm(recipe_.width), .out = kX, .scale = 0.9f});
    }
  }

  void feed_forward() {
    const Recipe& r = recipe_;
    if (r.n_experts > 0) {
      const MatrixId router = matrix(r.n_experts, r.width);
      const MatrixId gate = matrix(r.hidden, r.width, r.n_experts);
      const MatrixId up = matrix(r.hidden, r.width, r.n_experts);
      program_.ops.push_back(MoeOp{.in = kX,
                                   .norm = norm(r.width),
                                   .router = router,
                                   .router_bias = bias(r.n_experts),
                                   .gate = gate,
                                   .up = up,
                                   .down = matrix(r.width, r.hidden, r.n_experts),
                                   .n_experts = r.n_experts,
                                   .n_used = r.n_used,
                                   .gating = r.gating,
                                   .normalize = r.normalize,
                                   .weight_scale = 1.3f,
                                   .activation = r.activation,
                                   .out = kX,
                                   .scale = 0.8f});
      return;
    }
    if (r.is_gated) {
      program_.ops.push_back(GatedOp{.in = kX,
                                     .norm = norm(r.width),
                                     .gate = matrix(r.hidden, r.width),
                                     .up = matrix(r.hidden, r.width),
                                     .gate_bias = bias(r.hidden),
                                     .up_bias = bias(r.hidden),
                                     .activation = r.activation,
                                     .out = kHidden});
    } else {
      program_.ops.push_back(LinearOp{.in = kX,
                                      .norm = norm(r.width),
                                      .weight = matrix(r.hidden, r.width),
                                      .bias = bias(r.hidden),
                                      .activation = r.activation,
                                      .out = kHidden});
    }
    join(kHidden, r.hidden);
  }

  static constexpr BufferId kX = 0, kQ = 1, kAttended = 2, kHidden = 3, kBranch = 4;

  Recipe recipe_;
  std::mt19937 random_;
  Program program_;
  std::deque<Matrix> matrices_;
  std::vector<std::vector<float>> vectors_;
  Matrix table_;
};

// Sequences with block tables of their own, fed to a backend piece by piece. Token t of sequence s
// is the same in every instance.
class Sequences {
 public:
  struct Piece {
    int32_t sequence, n_rows;
  };

  // `order` gives the KV blocks, n_blocks / n_sequences consecutive ones to each sequence.
  Sequences(int32_t n_sequences, int32_t n_vocab, const std::vector<int32_t>& order)
      : n_vocab_(n_vocab), positions_(static_cast<size_t>(n_sequences)) {
    const size_t each = order.size() / static_cast<size_t>(n_sequences);
    for (size_t s = 0; s < static_cast<size_t>(n_sequences); ++s) {
      const auto begin = order.begin() + static_cast<std::ptrdiff_t>(s * each);
      tables_.emplace_back(begin, begin + static_cast<std::ptrdiff_t>(each));
    }
    logits_.resize(tables_.size());
  }

  // Runs the pieces as one batch, all rows wanting logits, and appends them to their sequences'.
  Result<void> run(Backend& backend, const std::vector<Piece>& pieces) {
    std::vector<Row> rows;
    for (const Piece& piece : pieces) {
      int32_t& position = positions_[static_cast<size_t>(piece.sequence)];
      for (int32_t i = 0; i < piece.n_rows; ++i, ++position)
        rows.push_back({token(piece.sequence, position), position, piece.sequence, true});
    }
    std::vector<std::span<const int32_t>> tables(tables_.begin(), tables_.end());
    std::vector<float> logits(rows.size() * static_cast<size_t>(n_vocab_));
    TRY(backend.run({rows, tables}, logits));
    for (size_t r = 0; r < rows.size(); ++r) {
      const auto begin = logits.begin() + static_cast<std::ptrdiff_t>(r) * n_vocab_;
      auto& own = logits_[static_cast<size_t>(rows[r].sequence)];
      own.insert(own.end(), begin, begin + n_vocab_);
    }
    return {};
  }

  const std::vector<float>& logits(int32_t sequence) const {
    return logits_[static_cast<size_t>(sequence)];
  }

 private:
  int32_t token(int32_t sequence, int32_t position) const {
    return (sequence * 7919 + position * 104729 + position * position % 31) % n_vocab_;
  }

  int32_t n_vocab_;
  std::vector<int32_t> positions_;
  std::vector<std::vector<int32_t>> tables_;
  std::vector<std::vector<float>> logits_;
};

}  // namespace hearth::compute::test
