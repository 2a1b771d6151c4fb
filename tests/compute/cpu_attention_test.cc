// Attention of every instruction set and KV type against double sums over the same cache, and the
// promise about its bits. A program of attention alone, over a cache whose unwritten slots are NaN.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "compute/cpu/executor.h"
#include "compute/cpu/workspace.h"

namespace hearth::compute::cpu {
namespace {

constexpr int32_t kBlocksASequence = 23, kMaxRows = 64;
// Long enough for three spans, a whole one, and less than a block.
constexpr int32_t kLengths[] = {701, 512, 19};

struct Shape {
  int32_t n_heads, n_kv_heads, head_dim, window;
  float softcap;
  bool has_sinks;
};

std::string describe(const Shape& s) {
  return std::to_string(s.n_heads) + " heads, " + std::to_string(s.n_kv_heads) + " KV heads of " +
         std::to_string(s.head_dim) + ", window " + std::to_string(s.window);
}

std::vector<Shape> shapes(KvType type) {
  std::vector<Shape> all = {
      {.n_heads = 9,
       .n_kv_heads = 3,
       .head_dim = 64,
       .window = 0,
       .softcap = 0,
       .has_sinks = false},
      {.n_heads = 4,
       .n_kv_heads = 1,
       .head_dim = 256,
       .window = 90,
       .softcap = 0,
       .has_sinks = false},
      {.n_heads = 13,
       .n_kv_heads = 1,
       .head_dim = 32,
       .window = 0,
       .softcap = 4,
       .has_sinks = true},
      {.n_heads = 5,
       .n_kv_heads = 1,
       .head_dim = 128,
       .window = 300,
       .softcap = 0,
       .has_sinks = true},
      {.n_heads = 8,
       .n_kv_heads = 1,
       .head_dim = 160,
       .window = 0,
       .softcap = 0,
       .has_sinks = false},
      {.n_heads = 2,
       .n_kv_heads = 2,
       .head_dim = 96,
       .window = 1,
       .softcap = 0,
       .has_sinks = false},
  };
  if (type == KvType::kQ8_0) return all;
  for (const int32_t head_dim : {8, 24, 40, 72, 80, 112}) {
    all.push_back({6, 1, head_dim, 0, 0, false});
    all.push_back({2, 2, head_dim, 33, 2, true});
  }
  return all;
}

std::vector<float> random_values(size_t n, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(n);
  for (float& value : values) value = normal(random);
  return values;
}

// Three sequences of kLengths; of each, the cache holds what a window over its last kMaxRows
// positions can see.
class Attended {
 public:
  Attended(IsaLevel level, KvType type, const Shape& shape, int n_threads)
      : shape_(shape), type_(type), pool_(n_threads) {
    const int32_t width = shape.n_heads * shape.head_dim;
    if (shape.has_sinks)
      weights_.vectors.push_back(random_values(static_cast<size_t>(shape.n_heads), 77));
    Program program{.buffer_widths = {width, width}, .ropes = {}, .ops = {}, .n_vocab = 0};
    program.ops.push_back(AttentionOp{.q = 0,
                                      .out = 1,
                                      .kv_layer = 0,
                                      .n_heads = shape.n_heads,
                                      .n_kv_heads = shape.n_kv_heads,
                                      .head_dim = shape.head_dim,
                                      .scale = scale(),
                                      .softcap = shape.softcap,
                                      .window = shape.window,
                                      .sinks = shape.has_sinks ? 0 : kNone});
    const KvConfig kv{.type = type,
                      .layers = {{shape.n_kv_heads, shape.head_dim}},
                      .n_blocks = 3 * kBlocksASequence};
    auto workspace = std::make_unique<Workspace>(weights_, pool_, level);
    workspace_ = workspace.get();
    executor_ = *Executor::create(program, kv, kMaxRows, std::move(workspace));
    for (int32_t s = 0; s < 3; ++s) {  // far from contiguous
      for (int32_t b = 0; b < kBlocksASequence; ++b)
        blocks_[s].push_back((b * 7 % kBlocksASequence) * 3 + s);
      tables_[s] = blocks_[s];
    }
    fill();
  }

  float scale() const { return 1.5f / std::sqrt(static_cast<float>(shape_.head_dim)); }

  // Outputs of the rows, [rows, n_heads * head_dim].
  std::vector<float> run(const std::vector<Row>& rows) {
    for (size_t r = 0; r < rows.size(); ++r) {
      const auto q = query(rows[r]);
      std::ranges::copy(q, workspace_->buffer(0).row(static_cast<int64_t>(r)));
    }
    EXPECT_TRUE(executor_->run({rows, tables_}, {}));
    const float* out = workspace_->buffer(1).row(0);
    return {out, out + rows.size() * static_cast<size_t>(shape_.n_heads * shape_.head_dim)};
  }

  struct Expected {
    std::vector<double> out;
    double tolerance;
  };
  // One head's output for a row, in double from the floats that the cache stands for.
  //
  // A chain of n float operations errs by n 2^-24 of the sum of magnitudes. The score's error, and
  // those of the difference, the exponential and (of codes) the scaled weight, change the weight by
  // as large a part of itself; numerator and denominator both take it, and chains of a span, its
  // folding and the division on top.
  Expected expected(const Row& row, int32_t head) {
    const int64_t dim = shape_.head_dim;
    const std::vector<float> q = query(row);
    const float* own = q.data() + head * dim;
    const int32_t first = first_visible(row.position);
    std::vector<double> scores, out(static_cast<size_t>(dim));
    std::vector<const float*> values;
    double most = shape_.has_sinks ? double{weights_.vectors[0][static_cast<size_t>(head)]} : -1e9;
    double magnitude = 0, largest_value = 0;
    for (int32_t p = first; p <= row.position; ++p) {
      const Block& at = block(row.sequence, p, head / (shape_.n_heads / shape_.n_kv_heads));
      const float* k = at.k.data() + p % kKvBlockTokens * dim;
      const float* v = at.v.data() + p % kKvBlockTokens * dim;
      double score = 0, size = 0;
      for (int64_t i = 0; i < dim; ++i) {
        score += double{own[i]} * k[i];
        size += std::abs(double{own[i]} * k[i]);
        largest_value = std::max(largest_value, std::abs(double{v[i]}));
      }
      score *= scale();
      magnitude = std::max(magnitude, size * scale());
      if (shape_.softcap > 0) score = shape_.softcap * std::tanh(score / shape_.softcap);
      scores.push_back(score);
      values.push_back(v);
      most = std::max(most, score);
    }
    double sum = 0;
    if (shape_.has_sinks)
      sum = std::exp(double{weights_.vectors[0][static_cast<size_t>(head)]} - most);
    for (size_t i = 0; i < scores.size(); ++i) {
      const double weight = std::exp(scores[i] - most);
      sum += weight;
      for (size_t d = 0; d < out.size(); ++d) out[d] += weight * values[i][d];
    }
    for (double& value : out) value /= sum;
    const double of_weight = static_cast<double>(dim + 8) * magnitude + 8 + 8 * shape_.softcap;
    const double of_sums = kSpanPositions + 4 * kBlocksASequence;
    return {out, 0x1p-24 * (2 * of_weight + of_sums) * largest_value};
  }

  std::vector<float> query(const Row& row) const {
    return random_values(static_cast<size_t>(shape_.n_heads * shape_.head_dim),
                         static_cast<uint32_t>(row.sequence * 10000 + row.position));
  }

 private:
  int32_t first_visible(int32_t position) const {
    return shape_.window > 0 ? std::max(0, position - shape_.window + 1) : 0;
  }

  std::byte* head(int32_t sequence, int32_t position, int32_t kv_head) const {
    return workspace_->cache.head(
        0, blocks_[sequence][static_cast<size_t>(position / kKvBlockTokens)], kv_head);
  }

  void fill() {
    const auto bytes = static_cast<size_t>(kv_head_bytes(type_, shape_.head_dim));
    for (int32_t block = 0; block < 3 * kBlocksASequence; ++block) {
      for (int32_t h = 0; h < shape_.n_kv_heads; ++h)
        std::memset(workspace_->cache.head(0, block, h), 0xFF, bytes);
    }
    const KvFormat& format = workspace_->cache.format();
    const auto dim = static_cast<size_t>(shape_.head_dim);
    for (int32_t s = 0; s < 3; ++s) {
      for (int32_t p = first_visible(std::max(0, kLengths[s] - kMaxRows)); p < kLengths[s]; ++p) {
        for (int32_t h = 0; h < shape_.n_kv_heads; ++h) {
          const auto kv =
              random_values(2 * dim, static_cast<uint32_t>(1000000 + (s * 1000 + p) * 8 + h));
          format.store_key(head(s, p, h), shape_.head_dim, p % kKvBlockTokens, kv.data());
          format.store_value(head(s, p, h), shape_.head_dim, p % kKvBlockTokens, kv.data() + dim);
        }
      }
    }
  }

  // Keys and values [32][head_dim] of the block that has the position, from the cache once.
  struct Block {
    std::vector<float> k, v;
  };
  const Block& block(int32_t sequence, int32_t position, int32_t kv_head) {
    const std::byte* at = head(sequence, position, kv_head);
    const auto [found, is_new] = loaded_.try_emplace(at);
    if (!is_new) return found->second;
    const int64_t dim = shape_.head_dim;
    std::vector<float> keys(static_cast<size_t>(kKvBlockTokens * dim));
    Block& loaded = found->second;
    loaded.k.resize(keys.size());
    loaded.v.resize(keys.size());
    load_keys(type_, at, dim, keys.data());
    load_values(type_, at + kv_keys_bytes(type_, dim), dim, loaded.v.data());
    for (size_t i = 0; i < keys.size(); ++i)
      loaded.k[i % kKvBlockTokens * static_cast<size_t>(dim) + i / kKvBlockTokens] = keys[i];
    return loaded;
  }

  Shape shape_;
  KvType type_;
  Weights weights_;
  WorkerPool pool_;
  std::unique_ptr<Executor> executor_;
  Workspace* workspace_ = nullptr;
  std::vector<int32_t> blocks_[3];
  std::map<const std::byte*, Block> loaded_;
  std::vector<std::span<const int32_t>> tables_ = std::vector<std::span<const int32_t>>(3);
};

// The last rows of each sequence, those of the first in two groups at least.
std::vector<Row> mixed_rows() {
  std::vector<Row> rows;
  constexpr int32_t kRowsOf[] = {40, 1, 6};
  for (int32_t s = 0; s < 3; ++s) {
    for (int32_t p = kLengths[s] - kRowsOf[s]; p < kLengths[s]; ++p)
      rows.push_back({.token = 0, .position = p, .sequence = s, .wants_logits = false});
  }
  return rows;
}

struct Case {
  IsaLevel level;
  KvType type;
};

class CpuAttention : public testing::TestWithParam<Case> {};

// Each kernel once: on Arm several levels share one.
std::vector<Case> cases() {
  std::vector<Case> all;
  const AttentionKernels* last = nullptr;
  for (const IsaLevel level : usable_isa_levels()) {
    if (std::exchange(last, &attention_kernels(level)) == &attention_kernels(level)) continue;
    for (const KvType type : {KvType::kF32, KvType::kF16, KvType::kQ8_0})
      all.push_back({level, type});
  }
  return all;
}
std::string name_of(const testing::TestParamInfo<Case>& kernel) {
  constexpr const char* kTypes[] = {"f32", "f16", "q8_0"};
  return std::string(isa_name(kernel.param.level)) + "_" +
         kTypes[static_cast<size_t>(kernel.param.type)];
}

INSTANTIATE_TEST_SUITE_P(Kernels, CpuAttention, testing::ValuesIn(cases()), name_of);

TEST_P(CpuAttention, matches_double_sums) {
  const auto [level, type] = GetParam();
  const std::vector<Row> rows = mixed_rows();
  for (const Shape& shape : shapes(type)) {
    Attended attended(level, type, shape, 2);
    const std::vector<float> found = attended.run(rows);
    for (const size_t r : {size_t{0}, size_t{17}, size_t{39}, size_t{40}, size_t{46}}) {
      for (int32_t head = 0; head < shape.n_heads; ++head) {
        const auto [out, tolerance] = attended.expected(rows[r], head);
        const size_t at =
            (r * static_cast<size_t>(shape.n_heads) + static_cast<size_t>(head)) * out.size();
        for (size_t d = 0; d < out.size(); ++d)
          ASSERT_NEAR(found[at + d], out[d], tolerance)
              << describe(shape) << ", row " << r << ", head " << head << ", dimension " << d;
      }
    }
  }
}

TEST_P(CpuAttention, gives_a_row_the_same_bits_alone_and_in_company) {
  const auto [level, type] = GetParam();
  const std::vector<Row> rows = mixed_rows();
  for (const Shape& shape : shapes(type)) {
    Attended one_thread(level, type, shape, 1), three_threads(level, type, shape, 3);
    const std::vector<float> together = one_thread.run(rows);
    const size_t width = together.size() / rows.size();
    for (size_t r = 0; r < rows.size(); r += 3) {  // a piece of up to 3 rows: split over spans
      std::vector<Row> piece;
      for (size_t i = r; i < std::min(rows.size(), r + 3); ++i) {
        if (rows[i].sequence == rows[r].sequence) piece.push_back(rows[i]);
      }
      const std::vector<float> alone = three_threads.run(piece);
      ASSERT_EQ(std::memcmp(alone.data(), together.data() + r * width,
                            piece.size() * width * sizeof(float)),
                0)
          << describe(shape) << ", from row " << r;
    }
  }
}

TEST(CpuAttentionLevels, avx2_and_avx512_give_the_same_bits) {
  if (std::ranges::count(usable_isa_levels(), IsaLevel::kAvx512Vnni) == 0)
    GTEST_SKIP() << "this CPU lacks AVX-512";
  for (const KvType type : {KvType::kF32, KvType::kF16, KvType::kQ8_0}) {
    for (const Shape& shape : shapes(type)) {
      Attended narrow(IsaLevel::kAvx2, type, shape, 2), wide(IsaLevel::kAvx512Vnni, type, shape, 2);
      const std::vector<float> a = narrow.run(mixed_rows()), b = wide.run(mixed_rows());
      ASSERT_EQ(std::memcmp(a.data(), b.data(), a.size() * sizeof(float)), 0) << describe(shape);
    }
  }
}

}  // namespace
}  // namespace hearth::compute::cpu
