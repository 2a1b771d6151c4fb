// Attention by fused multiply-add in tiles of queries, for the kernel files alone: templates over
// the instruction set's Floats8 and Floats16, which the including file has included before, and
// its widest tile.
//
// Scores: kQ queries times 32 positions, each Floats16 for 16; a step takes one dimension, with two
// Floats16 of keys and a broadcast value of each query. Values: kQ queries times 32 dimensions (64
// for few queries, which would wait for their sums otherwise); a step takes one position, with a
// broadcast weight of each query.
#pragma once

#include <math.h>

#include <type_traits>

#include "compute/cpu/attention/kernel.h"

namespace hearth::compute::cpu {
namespace {

constexpr int kSlots = 32;

template <class T>
T least(T a, T b) {
  return a < b ? a : b;
}
template <class T>
T most(T a, T b) {
  return a > b ? a : b;
}

inline float exp1(float x) { return Floats8::broadcast(x).exponential().first(); }
inline float exponent_base(float max) { return max == -INFINITY ? 0 : max; }

inline void fetch_ahead(const std::byte* at) { __builtin_prefetch(at); }

// A block's keys [head_dim][32] or values [32][head_dim], as numbers of type T.
template <class T>
struct Numbers {
  using Stored = T;
  static constexpr bool kHasScales = false;
  const T* numbers;
  int64_t n_columns;
};

// Codes of type T (integers, or the same made floats) with scales [head_dim / 32][32 positions].
template <class T>
struct Codes {
  using Stored = T;
  static constexpr bool kHasScales = true;
  const T* numbers;
  int64_t n_columns;
  const float* scales;
};

template <class T>
inline void make_floats(const T* from, int64_t n, float* floats) {
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) Floats16::load(from + i).store(floats + i);
  for (; i < n; i += 8) Floats8::load(from + i).store(floats + i);
}

// Gives `use` the keys or values of a block, made floats in memory first if more than kDirect
// queries are going to read them; otherwise that happens in registers.
struct PlainFloats {
  template <int64_t kDirect, class Use>
  static void read(const std::byte* stored, int64_t, int64_t n_columns, int64_t, float*,
                   const Use& use) {
    use(Numbers<float>{reinterpret_cast<const float*>(stored), n_columns});
  }
};
struct Halves {
  template <int64_t kDirect, class Use>
  static void read(const std::byte* stored, int64_t n, int64_t n_columns, int64_t n_queries,
                   float* scratch, const Use& use) {
    const auto* halves = reinterpret_cast<const uint16_t*>(stored);
    if (n_queries <= kDirect) return use(Numbers<uint16_t>{halves, n_columns});
    make_floats(halves, n, scratch);
    use(Numbers<float>{scratch, n_columns});
  }
};
struct ScaledCodes {
  template <int64_t kDirect, class Use>
  static void read(const std::byte* stored, int64_t n, int64_t n_columns, int64_t n_queries,
                   float* scratch, const Use& use) {
    const auto* codes = reinterpret_cast<const int8_t*>(stored);
    float* scales = scratch + n;
    make_floats(reinterpret_cast<const uint16_t*>(stored + n), n / 32, scales);
    if (n_queries <= kDirect) return use(Codes<int8_t>{codes, n_columns, scales});
    make_floats(codes, n, scratch);
    use(Codes<float>{scratch, n_columns, scales});
  }
};

// The slots of a block that any of the queries [begin, end) sees.
struct Slots {
  int begin, end;
};
inline Slots visible_slots(const AttentionQueries& queries, int64_t begin, int64_t end,
                           int32_t position) {
  int32_t first = queries.first[begin], last = queries.last[begin];
  for (int64_t i = begin + 1; i < end; ++i) {
    first = least(first, queries.first[i]);
    last = most(last, queries.last[i]);
  }
  return {most(0, first - position), least(kSlots, last - position + 1)};
}

// scores[kQ][32] = q keys over the dimensions [begin, end), or scores + scale * that. The
// accumulators stay in registers only while nothing takes their address.
template <int kQ, class Keys>
inline void score_dimensions(const float* const* q, int64_t begin, int64_t end, const Keys& keys,
                             const std::byte* ahead, float* scores) {
  Floats16 sums[kQ][2];
#pragma GCC unroll 16
  for (int r = 0; r < kQ; ++r) sums[r][0] = sums[r][1] = Floats16::zero();
  for (int64_t d = begin; d < end; ++d) {
    fetch_ahead(ahead + d * kSlots * int64_t{sizeof(typename Keys::Stored)});
    const Floats16 low = Floats16::load(keys.numbers + d * kSlots);
    const Floats16 high = Floats16::load(keys.numbers + d * kSlots + 16);
#pragma GCC unroll 16
    for (int r = 0; r < kQ; ++r) {
      const Floats16 query = Floats16::broadcast(q[r][d]);
      sums[r][0] = sums[r][0].plus_product(query, low);
      sums[r][1] = sums[r][1].plus_product(query, high);
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < kQ; ++r) {
#pragma GCC unroll 2
    for (int c = 0; c < 2; ++c) {
      float* to = scores + r * kSpanPositions + 16 * c;
      if constexpr (Keys::kHasScales) {
        const Floats16 before = begin == 0 ? Floats16::zero() : Floats16::load(to);
        before.plus_product(Floats16::load(keys.scales + begin + 16 * c), sums[r][c]).store(to);
      } else {
        sums[r][c].store(to);
      }
    }
  }
}

template <int kQ, class Keys>
inline void score_tile(const float* const* q, int64_t head_dim, const Keys& keys,
                       const std::byte* ahead, float* scores) {
  if constexpr (Keys::kHasScales) {
    for (int64_t d = 0; d < head_dim; d += 32)
      score_dimensions<kQ>(q, d, d + 32, keys, ahead, scores);
  } else {
    score_dimensions<kQ>(q, 0, head_dim, keys, ahead, scores);
  }
}

// acc[kQ][kC vectors] += weights[kQ][slots] values, from the column `d` on.
template <class Floats, int kQ, int kC, class Values>
inline void add_columns(const Values& values, Slots slots, int64_t d, const float* weights,
                        int64_t weights_stride, const std::byte* ahead, float* acc) {
  constexpr int64_t kBytes = sizeof(typename Values::Stored);
  const int64_t head_dim = values.n_columns;
  Floats sums[kQ][kC];
#pragma GCC unroll 16
  for (int r = 0; r < kQ; ++r) {
#pragma GCC unroll 4
    for (int c = 0; c < kC; ++c)
      sums[r][c] = Floats::load(acc + r * head_dim + d + Floats::kLanes * c);
  }
  for (int64_t j = slots.begin; j < slots.end; ++j) {
#pragma GCC unroll 4
    for (int64_t line = 0; line < Floats::kLanes * kC * kBytes; line += 64)
      fetch_ahead(ahead + (j * head_dim + d) * kBytes + line);
    Floats value[kC];
#pragma GCC unroll 4
    for (int c = 0; c < kC; ++c)
      value[c] = Floats::load(values.numbers + j * head_dim + d + Floats::kLanes * c);
#pragma GCC unroll 16
    for (int r = 0; r < kQ; ++r) {
      const Floats weight = Floats::broadcast(weights[r * weights_stride + j]);
#pragma GCC unroll 4
      for (int c = 0; c < kC; ++c) sums[r][c] = sums[r][c].plus_product(weight, value[c]);
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < kQ; ++r) {
#pragma GCC unroll 4
    for (int c = 0; c < kC; ++c) sums[r][c].store(acc + r * head_dim + d + Floats::kLanes * c);
  }
}

// The weights of 32 columns of codes take the scale: weight and scale are multiplied first.
template <int kQ, class Values>
inline void add_scaled(const Values& values, Slots slots, const float* weights,
                       const std::byte* ahead, float* acc) {
  for (int64_t d = 0; d < values.n_columns; d += 32) {
    float scaled[kQ][kSlots];
    for (int r = 0; r < kQ; ++r) {
      for (int j = 0; j < kSlots; j += 16) {
        const Floats16 weight = Floats16::load(weights + r * kSpanPositions + j);
        weight.times(Floats16::load(values.scales + d + j)).store(&scaled[r][j]);
      }
    }
    add_columns<Floats16, kQ, 2>(values, slots, d, scaled[0], kSlots, ahead, acc);
  }
}

template <int kQ, int kWide, class Values>
inline void add_plain(const Values& values, Slots slots, const float* weights,
                      const std::byte* ahead, float* acc) {
  const int64_t head_dim = values.n_columns;
  int64_t d = 0;
  for (; d + 16 * kWide <= head_dim; d += 16 * kWide)
    add_columns<Floats16, kQ, kWide>(values, slots, d, weights, kSpanPositions, ahead, acc);
  if constexpr (kWide > 2) {
    for (; d + 32 <= head_dim; d += 32)
      add_columns<Floats16, kQ, 2>(values, slots, d, weights, kSpanPositions, ahead, acc);
  }
  for (; d < head_dim; d += 8)
    add_columns<Floats8, kQ, 1>(values, slots, d, weights, kSpanPositions, ahead, acc);
}

// Calls tile<kQ>(first query) until all queries are done, with the widest tiles that fit, none
// wider than kMost.
template <int kMost, class Tile>
inline void for_tiles(int64_t n_queries, const Tile& tile) {
  int64_t query = 0;
  const auto take_all = [&]<int kQ>() {
    if constexpr (kQ <= kMost) {
      for (; query + kQ <= n_queries; query += kQ) tile.template operator()<kQ>(query);
    }
  };
  take_all.template operator()<12>();
  take_all.template operator()<8>();
  take_all.template operator()<6>();
  take_all.template operator()<4>();
  take_all.template operator()<3>();
  take_all.template operator()<2>();
  take_all.template operator()<1>();
}

// What a read of `numbers` fetches line by line as it goes: `ahead`, if the numbers lie as stored;
// otherwise what is at hand, again. Scales, which no line of the numbers brings along, at once.
template <class AnyNumbers>
inline const std::byte* fetched_ahead(const AnyNumbers& numbers, const std::byte* stored,
                                      const std::byte* ahead, int64_t head_dim) {
  const auto* here = reinterpret_cast<const std::byte*>(numbers.numbers);
  if (ahead == nullptr || here != stored) return here;
  if constexpr (AnyNumbers::kHasScales) {
    for (int64_t line = 0; line < 2 * head_dim; line += 64)
      fetch_ahead(ahead + kSlots * head_dim + line);
  }
  return ahead;
}

// kMost: queries of a tile at most. kDirect: see PlainFloats.
template <class Format, int kMost, int64_t kDirect>
void score(const AttentionQueries& queries, const AttentionBlock& block, const SpanStates& states) {
  float* scores = states.scores + block.position % kSpanPositions;
  const auto use = [&](const auto& keys) {
    const std::byte* ahead = fetched_ahead(keys, block.keys, block.ahead, queries.head_dim);
    for_tiles<kMost>(queries.n_queries, [&]<int kQ>(int64_t query) {
      const Slots slots = visible_slots(queries, query, query + kQ, block.position);
      if (slots.begin >= slots.end) return;
      score_tile<kQ>(queries.q + query, queries.head_dim, keys, ahead,
                     scores + query * kSpanPositions);
    });
  };
  Format::template read<kDirect>(block.keys, kSlots * queries.head_dim, kSlots, queries.n_queries,
                                 block.scratch, use);
}

template <class Format, int kMost, int64_t kDirect>
void add(const AttentionQueries& queries, const AttentionBlock& block, const SpanStates& states) {
  const float* weights = states.scores + block.position % kSpanPositions;
  const auto use = [&](const auto& values) {
    const std::byte* ahead = fetched_ahead(values, block.values, block.ahead, queries.head_dim);
    for_tiles<kMost>(queries.n_queries, [&]<int kQ>(int64_t query) {
      const Slots slots = visible_slots(queries, query, query + kQ, block.position);
      if (slots.begin >= slots.end) return;
      const float* from = weights + query * kSpanPositions;
      float* acc = states.acc + query * queries.head_dim;
      if constexpr (std::remove_cvref_t<decltype(values)>::kHasScales) {
        add_scaled<kQ>(values, slots, from, ahead, acc);
      } else {
        add_plain<kQ, 2 * kQ <= kMost ? 4 : 2>(values, slots, from, ahead, acc);
      }
    });
  };
  Format::template read<kDirect>(block.values, kSlots * queries.head_dim, queries.head_dim,
                                 queries.n_queries, block.scratch, use);
}

// One query's scores of the span, in place: 0 where it may not see.
inline void weigh_query(const AttentionQueries& queries, int64_t query, int32_t position,
                        float* row, float* span_max, float* span_sum) {
  constexpr int kSpan = kSpanPositions;
  const int begin = most(0, queries.first[query] - position);
  const int end = least(kSpan, queries.last[query] - position + 1);
  const int first = begin < end ? begin / 16 * 16 : 0,
            last = begin < end ? (end + 15) / 16 * 16 : 0;
  const Floats16 scale = Floats16::broadcast(queries.scale);
  const Floats16 cap = Floats16::broadcast(queries.softcap);
  const Floats16 inverse_cap = Floats16::broadcast(1 / queries.softcap);
  Floats16 largest = Floats16::broadcast(-INFINITY);
  for (int j = first; j < last; j += 16) {
    Floats16 scores = Floats16::load(row + j).times(scale);
    if (queries.softcap > 0) scores = cap.times(scores.times(inverse_cap).hyperbolic_tangent());
    if (j < begin || j + 16 > end)
      scores = scores.keep(most(0, begin - j), least(16, end - j), -INFINITY);
    scores.store(row + j);
    largest = largest.or_larger(scores);
  }
  const float max = largest.largest();
  const Floats16 base = Floats16::broadcast(exponent_base(max));
  Floats16 sum = Floats16::zero();
  for (int j = 0; j < first; j += 16) Floats16::zero().store(row + j);
  for (int j = first; j < last; j += 16) {
    const Floats16 weights = Floats16::load(row + j).minus(base).exponential();
    weights.store(row + j);
    sum = sum.plus(weights);
  }
  for (int j = last; j < kSpan; j += 16) Floats16::zero().store(row + j);
  *span_max = max;
  *span_sum = sum.sum();
}

void weigh(const AttentionQueries& queries, int32_t position, const SpanStates& states) {
  for (int64_t i = 0; i < queries.n_queries; ++i) {
    weigh_query(queries, i, position, states.scores + i * kSpanPositions, states.max + i,
                states.sum + i);
  }
}

void fold(const AttentionState& total, const AttentionState& part, int64_t head_dim) {
  const float max = most(*total.max, *part.max), base = exponent_base(max);
  const float a = exp1(*total.max - base), b = exp1(*part.max - base);
  for (int64_t d = 0; d < head_dim; d += 8) {
    const Floats8 scaled = Floats8::load(part.acc + d).times(Floats8::broadcast(b));
    scaled.plus_product(Floats8::load(total.acc + d), Floats8::broadcast(a)).store(total.acc + d);
  }
  *total.sum = *total.sum * a + *part.sum * b;
  *total.max = max;
}

void finish(const AttentionState& state, const float* sink, int64_t head_dim, float* out) {
  float factor = 1, sum = *state.sum;
  if (sink != nullptr) {
    const float max = most(*state.max, *sink);
    factor = exp1(*state.max - max);
    sum = sum * factor + exp1(*sink - max);
  }
  const Floats8 inverse = Floats8::broadcast(factor / sum);
  for (int64_t d = 0; d < head_dim; d += 8)
    Floats8::load(state.acc + d).times(inverse).plus(Floats8::zero()).store(out + d);
}

// kMost: queries of the widest tile. kDirect: most queries for which a block is converted in
// registers rather than once for all tiles.
template <class Format, int kMost, int64_t kDirect>
constexpr AttentionKernels::Format format_kernels() {
  return {score<Format, kMost, kDirect>, add<Format, kMost, kDirect>};
}
template <int kMost, int64_t kDirect>
constexpr AttentionKernels attention_kernels() {
  return {.formats = {format_kernels<PlainFloats, kMost, kDirect>(),
                      format_kernels<Halves, kMost, kDirect>(),
                      format_kernels<ScaledCodes, kMost, kDirect>()},
          .weigh = weigh,
          .fold = fold,
          .finish = finish};
}

}  // namespace
}  // namespace hearth::compute::cpu
