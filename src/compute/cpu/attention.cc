// AttentionOp: which queries meet which KV blocks, on which thread.
//
// The definition that fixes every bit: a query's positions are cut at multiples of kSpanPositions;
// inside a span its blocks are attended in ascending order from an empty state, and the spans'
// states are folded in ascending order into an empty one. So an item may be a few rows of a
// sequence times one KV head over all spans (prompts, many sequences), or one span of it (few rows,
// long context), with the same result.
#include <algorithm>
#include <limits>

#include "compute/cpu/workspace.h"

namespace hearth::compute::cpu {
namespace {

constexpr int32_t kSpanPositions = 256;
// Spans become items of their own in steps of at most this many rows, for which the partial states
// have memory.
constexpr int64_t kMostSplitRows = 8;

// One thread's memory for an item: [max_queries] of each, states twice (part and total).
struct Scratch {
  std::vector<const float*> q;
  std::vector<int32_t> first, last;
  std::vector<float> max[2], sum[2];
  float* acc[2];  // [max_queries, head_dim]
  float* keys;    // [head_dim, 32]
  float* values;  // [32, head_dim]
};

class Attention final : public Operation {
 public:
  Attention(const AttentionOp& op, Workspace& workspace)
      : workspace_(workspace),
        op_(op),
        q_(workspace.buffer(op.q)),
        out_(workspace.buffer(op.out)),
        sinks_(workspace.weights.vector(op.sinks)),
        heads_per_kv_(op.n_heads / op.n_kv_heads),
        max_queries_(int64_t{workspace.rows_per_group} * heads_per_kv_),
        max_spans_((workspace.max_positions + kSpanPositions - 1) / kSpanPositions),
        max_parts_(max_spans_ * std::min(workspace.max_rows, kMostSplitRows) * op.n_heads),
        scratch_(static_cast<size_t>(workspace.n_threads())) {
    const int64_t dim = op.head_dim;
    workspace.reserve(Shared::kAttentionParts, max_parts_ * (dim + 2));
    workspace.reserve_per_thread(Shared::kAttention, 2 * (max_queries_ + kKvBlockTokens) * dim);
    const auto n = static_cast<size_t>(max_queries_);
    for (Scratch& scratch : scratch_) {
      scratch.q.resize(n);
      for (auto* positions : {&scratch.first, &scratch.last}) positions->resize(n);
      for (auto* state : {&scratch.max[0], &scratch.max[1], &scratch.sum[0], &scratch.sum[1]})
        state->resize(n);
    }
  }

  void run(Walk& walk) override {
    walk.enter(Stage::kShared);
    WorkCounter& counter = walk.next_counter();
    Scratch& scratch = scratch_of(walk.thread());
    const auto n_groups = static_cast<int64_t>(workspace_.step.groups.size());
    const int64_t n_items = n_groups * op_.n_kv_heads;
    const int64_t n_spans = most_spans();
    if (is_split(n_items, n_spans, walk.n_threads())) {
      return run_split(walk, counter, scratch, n_spans);
    }
    // The last rows of a prompt see most and come first.
    for (int64_t item; (item = counter.take(1)) < n_items;) {
      const int64_t from_end = n_items - 1 - item;
      run_item(group(from_end / op_.n_kv_heads), from_end % op_.n_kv_heads, scratch);
    }
  }

 private:
  Scratch& scratch_of(int thread) {
    Scratch& scratch = scratch_[static_cast<size_t>(thread)];
    float* memory = workspace_.shared(Shared::kAttention, thread);
    for (float** part : {&scratch.acc[0], &scratch.acc[1]}) {
      *part = memory;
      memory += max_queries_ * op_.head_dim;
    }
    scratch.keys = memory;
    scratch.values = memory + kKvBlockTokens * op_.head_dim;
    return scratch;
  }

  const RowGroup& group(int64_t index) const {
    return workspace_.step.groups[static_cast<size_t>(index)];
  }
  int32_t first_visible(int32_t position) const {
    return op_.window > 0 ? std::max(0, position - op_.window + 1) : 0;
  }

  // Most spans that any row of the step sees, counted from the first it sees.
  int64_t most_spans() const {
    int64_t most = 0;
    for (const RowGroup& g : workspace_.step.groups) most = std::max(most, n_spans(g));
    return most;
  }
  int64_t first_span(const RowGroup& g) const {
    return first_visible(g.first_position) / kSpanPositions;
  }
  int64_t n_spans(const RowGroup& g) const {
    return g.last_position / kSpanPositions - first_span(g) + 1;
  }

  bool is_split(int64_t n_items, int64_t n_spans, int n_threads) const {
    return n_threads > 1 && n_items < 4 * n_threads && n_spans > 1 &&
           workspace_.step.n_rows <= kMostSplitRows && n_spans <= max_spans_;
  }

  // The group's queries of one KV head: rows outermost.
  AttentionQueries queries(const RowGroup& g, int64_t kv_head, Scratch& scratch) const {
    size_t n = 0;
    for (int32_t r = g.first; r < g.first + g.n; ++r) {
      const int32_t position = workspace_.step.row(r).position;
      for (int64_t h = 0; h < heads_per_kv_; ++h, ++n) {
        scratch.q[n] = q_.row(r) + (kv_head * heads_per_kv_ + h) * op_.head_dim;
        scratch.first[n] = first_visible(position);
        scratch.last[n] = position;
      }
    }
    return {.n_queries = static_cast<int64_t>(n),
            .head_dim = op_.head_dim,
            .scale = op_.scale,
            .softcap = op_.softcap,
            .q = scratch.q.data(),
            .first = scratch.first.data(),
            .last = scratch.last.data(),
            .max = nullptr,
            .sum = nullptr,
            .acc = nullptr};
  }

  static void clear(const AttentionQueries& queries) {
    std::fill_n(queries.max, queries.n_queries, -std::numeric_limits<float>::infinity());
    std::fill_n(queries.sum, queries.n_queries, 0.0f);
    std::fill_n(queries.acc, queries.n_queries * queries.head_dim, 0.0f);
  }

  // The blocks of one span, in ascending order, into the state of `queries`.
  void attend_span(const RowGroup& g, int64_t kv_head, int64_t span,
                   const AttentionQueries& queries, Scratch& scratch) const {
    constexpr int64_t kSpanBlocks = kSpanPositions / kKvBlockTokens;
    const auto table = workspace_.step.block_table(workspace_.step.row(g.first));
    const int64_t begin =
        std::max<int64_t>(span * kSpanBlocks, first_visible(g.first_position) / kKvBlockTokens);
    const int64_t end =
        std::min<int64_t>((span + 1) * kSpanBlocks, g.last_position / kKvBlockTokens + 1);
    const KvCache& cache = workspace_.cache;
    for (int64_t block = begin; block < end; ++block) {
      const std::byte* stored = cache.head(op_.kv_layer, table[static_cast<size_t>(block)],
                                           static_cast<int32_t>(kv_head));
      attend_block(stored, static_cast<int32_t>(block * kKvBlockTokens), queries, scratch);
    }
  }

  void attend_block(const std::byte* stored, int32_t position, const AttentionQueries& queries,
                    Scratch& scratch) const {
    const AttentionKernels& kernels = workspace_.attention;
    const int64_t n_values = kKvBlockTokens * queries.head_dim;
    const KvType type = workspace_.cache.type();
    if (type == KvType::kF32) {
      const float* keys = reinterpret_cast<const float*>(stored);
      return kernels.attend_f32(queries, keys, keys + n_values, position);
    }
    constexpr int64_t kFewQueries = 6;  // two passes over the halves cost less than conversion
    const bool is_direct = type == KvType::kF16 && kernels.attend_f16 != nullptr;
    if (is_direct && queries.n_queries <= kFewQueries) {
      const uint16_t* keys = reinterpret_cast<const uint16_t*>(stored);
      return kernels.attend_f16(queries, keys, keys + n_values, position);
    }
    const KvFormat& format = workspace_.cache.format();
    format.load_keys(stored, queries.head_dim, scratch.keys);
    format.load_values(stored, queries.head_dim, scratch.values);
    kernels.attend_f32(queries, scratch.keys, scratch.values, position);
  }

  void finish(const AttentionState& state, int64_t row, int64_t head) const {
    workspace_.attention.finish(state, sinks_ == nullptr ? nullptr : sinks_ + head, op_.head_dim,
                                out_.row(row) + head * op_.head_dim);
  }

  static AttentionState state(const AttentionQueries& queries, int64_t query) {
    return {queries.max + query, queries.sum + query, queries.acc + query * queries.head_dim};
  }

  // All spans of a group and a KV head.
  void run_item(const RowGroup& g, int64_t kv_head, Scratch& scratch) const {
    AttentionQueries total = queries(g, kv_head, scratch);
    AttentionQueries part = total;
    for (AttentionQueries* q : {&part, &total}) {
      const size_t which = q == &total;
      q->max = scratch.max[which].data();
      q->sum = scratch.sum[which].data();
      q->acc = scratch.acc[which];
    }
    clear(total);
    const int64_t first = first_span(g), n = n_spans(g);
    for (int64_t span = first; span < first + n; ++span) {
      clear(part);
      attend_span(g, kv_head, span, part, scratch);
      for (int64_t i = 0; i < part.n_queries; ++i)
        workspace_.attention.fold(state(total, i), state(part, i), op_.head_dim);
    }
    for (int64_t i = 0; i < total.n_queries; ++i) {
      finish(state(total, i), g.first + i / heads_per_kv_,
             kv_head * heads_per_kv_ + i % heads_per_kv_);
    }
  }

  // States of (span, row, head): max and sum of all, then acc of all.
  AttentionState part(int64_t span_index, int64_t row, int64_t head) const {
    float* parts = workspace_.shared(Shared::kAttentionParts);
    const int64_t index = (span_index * workspace_.step.n_rows + row) * op_.n_heads + head;
    return {parts + index, parts + max_parts_ + index,
            parts + 2 * max_parts_ + index * op_.head_dim};
  }

  // Spans as items, then a fold of each query's.
  void run_split(Walk& walk, WorkCounter& counter, Scratch& scratch, int64_t most_spans) {
    const auto n_groups = static_cast<int64_t>(workspace_.step.groups.size());
    const int64_t n_items = n_groups * op_.n_kv_heads * most_spans;
    for (int64_t item; (item = counter.take(1)) < n_items;) {
      const int64_t span = item % most_spans, kv_head = item / most_spans % op_.n_kv_heads;
      const RowGroup& g = group(item / most_spans / op_.n_kv_heads);
      if (span >= n_spans(g)) continue;
      AttentionQueries queries_of_span = queries(g, kv_head, scratch);
      queries_of_span.max = scratch.max[0].data();
      queries_of_span.sum = scratch.sum[0].data();
      queries_of_span.acc = scratch.acc[0];
      clear(queries_of_span);
      attend_span(g, kv_head, first_span(g) + span, queries_of_span, scratch);
      for (int64_t i = 0; i < queries_of_span.n_queries; ++i) {
        const AttentionState to =
            part(span, g.first + i / heads_per_kv_, kv_head * heads_per_kv_ + i % heads_per_kv_);
        const AttentionState from = state(queries_of_span, i);
        *to.max = *from.max;
        *to.sum = *from.sum;
        std::copy_n(from.acc, op_.head_dim, to.acc);
      }
    }
    walk.enter(Stage::kShared);
    fold_parts(walk, scratch);
  }

  void fold_parts(Walk& walk, Scratch& scratch) const {
    const auto n_groups = static_cast<int64_t>(workspace_.step.groups.size());
    for (int64_t index = 0; index < n_groups; ++index) {
      const RowGroup& g = group(index);
      const Range share = walk.share(int64_t{g.n} * op_.n_heads);
      for (int64_t i = share.begin; i < share.end; ++i) {
        const int64_t row = g.first + i / op_.n_heads, head = i % op_.n_heads;
        const AttentionState total = {scratch.max[1].data(), scratch.sum[1].data(), scratch.acc[1]};
        *total.max = -std::numeric_limits<float>::infinity();
        *total.sum = 0;
        std::fill_n(total.acc, op_.head_dim, 0.0f);
        for (int64_t span = 0; span < n_spans(g); ++span)
          workspace_.attention.fold(total, part(span, row, head), op_.head_dim);
        finish(total, row, head);
      }
    }
  }

  Workspace& workspace_;
  AttentionOp op_;
  Buffer q_, out_;
  const float* sinks_;
  int64_t heads_per_kv_;
  int64_t max_queries_;
  int64_t max_spans_;  // that a sequence can have
  int64_t max_parts_;  // that a split step can have
  std::vector<Scratch> scratch_;
};

}  // namespace

Result<std::unique_ptr<Operation>> make_operation(const AttentionOp& op, Workspace& workspace) {
  return std::make_unique<Attention>(op, workspace);
}

}  // namespace hearth::compute::cpu
