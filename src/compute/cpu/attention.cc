// AttentionOp: which queries meet which KV blocks, on which thread.
//
// An item of work is a few rows of a sequence times one KV head over all spans (prompts, many
// sequences), or one span of it (few rows, long context), with the same result:
// attention/kernel.h defines it.
#include <algorithm>
#include <limits>
#include <utility>

#include "compute/cpu/workspace.h"

namespace hearth::compute::cpu {
namespace {

// Keys or values of this many blocks ahead are fetched: the blocks lie anywhere, and those of q8_0
// are read in less time than one comes from memory.
constexpr int64_t kPartsAhead = 2;
// Spans become items of their own in steps of at most this many rows, for which the partial states
// have memory.
constexpr int64_t kMostSplitRows = 8;

// One thread's memory for an item.
struct Scratch {
  std::vector<const float*> q;       // [max_queries], as all of the queries'
  std::vector<int32_t> first, last;  // [max_queries]
  SpanStates part, total;            // of [max_queries]; total has no scores
  float* block;                      // [attention_scratch(head_dim)]
};

class Attention final : public Operation {
 public:
  Attention(const AttentionOp& op, Workspace& workspace)
      : workspace_(workspace),
        kernels_(workspace.attention),
        format_(kernels_.formats[static_cast<size_t>(workspace.cache.type())]),
        op_(op),
        q_(workspace.buffer(op.q)),
        out_(workspace.buffer(op.out)),
        sinks_(workspace.weights.vector(op.sinks)),
        heads_per_kv_(op.n_heads / op.n_kv_heads),
        keys_bytes_(kv_keys_bytes(workspace.cache.type(), op.head_dim)),
        max_queries_(int64_t{workspace.rows_per_group} * heads_per_kv_),
        max_spans_((workspace.max_positions + kSpanPositions - 1) / kSpanPositions),
        max_parts_(max_spans_ * std::min(workspace.max_rows, kMostSplitRows) * op.n_heads),
        scratch_(static_cast<size_t>(workspace.n_threads())) {
    const int64_t dim = op.head_dim;
    workspace.reserve(Shared::kAttentionParts, max_parts_ * (dim + 2));
    workspace.reserve_per_thread(
        Shared::kAttention, max_queries_ * (kSpanPositions + 4 + 2 * dim) + attention_scratch(dim));
    for (Scratch& scratch : scratch_) {
      scratch.q.resize(static_cast<size_t>(max_queries_));
      for (auto* positions : {&scratch.first, &scratch.last})
        positions->resize(static_cast<size_t>(max_queries_));
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
    const auto take = [&](int64_t n) { return std::exchange(memory, memory + n); };
    scratch.block = take(attention_scratch(op_.head_dim));
    scratch.part.scores = take(max_queries_ * kSpanPositions);
    scratch.total.scores = nullptr;
    for (SpanStates* states : {&scratch.part, &scratch.total}) {
      states->acc = take(max_queries_ * op_.head_dim);
      states->max = take(max_queries_);
      states->sum = take(max_queries_);
    }
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
            .last = scratch.last.data()};
  }

  void clear(const AttentionState& state) const {
    *state.max = -std::numeric_limits<float>::infinity();
    *state.sum = 0;
    std::fill_n(state.acc, op_.head_dim, 0.0f);
  }

  // The group's queries over one span, into scratch.part.
  void attend_span(const RowGroup& g, int64_t kv_head, int64_t span,
                   const AttentionQueries& queries, Scratch& scratch) const {
    constexpr int64_t kSpanBlocks = kSpanPositions / kKvBlockTokens;
    const auto table = workspace_.step.block_table(workspace_.step.row(g.first));
    const int64_t begin =
        std::max<int64_t>(span * kSpanBlocks, first_visible(g.first_position) / kKvBlockTokens);
    const int64_t end =
        std::min<int64_t>((span + 1) * kSpanBlocks, g.last_position / kKvBlockTokens + 1);
    const auto stored = [&](int64_t block) {
      return workspace_.cache.head(op_.kv_layer, table[static_cast<size_t>(block)],
                                   static_cast<int32_t>(kv_head));
    };
    std::fill_n(scratch.part.acc, queries.n_queries * op_.head_dim, 0.0f);
    const int64_t n = end - begin;
    // In the order in which they are read: the blocks' keys, then their values.
    const auto part = [&](int64_t i) -> const std::byte* {
      return i < n ? stored(begin + i) : i < 2 * n ? stored(begin + i - n) + keys_bytes_ : nullptr;
    };
    const auto block = [&](int64_t i, const std::byte* ahead) {
      return AttentionBlock{.keys = part(i),
                            .values = part(n + i),
                            .ahead = ahead,
                            .position = static_cast<int32_t>((begin + i) * kKvBlockTokens),
                            .scratch = scratch.block};
    };
    for (int64_t i = 0; i < n; ++i)
      format_.score(queries, block(i, part(i + kPartsAhead)), scratch.part);
    kernels_.weigh(queries, static_cast<int32_t>(span * kSpanPositions), scratch.part);
    for (int64_t i = 0; i < n; ++i)
      format_.add(queries, block(i, part(n + i + kPartsAhead)), scratch.part);
  }

  void finish(const AttentionState& state, int64_t row, int64_t head) const {
    kernels_.finish(state, sinks_ == nullptr ? nullptr : sinks_ + head, op_.head_dim,
                    out_.row(row) + head * op_.head_dim);
  }

  AttentionState state(const SpanStates& states, int64_t query) const {
    return {states.max + query, states.sum + query, states.acc + query * op_.head_dim};
  }

  // All spans of a group and a KV head.
  void run_item(const RowGroup& g, int64_t kv_head, Scratch& scratch) const {
    const AttentionQueries all = queries(g, kv_head, scratch);
    for (int64_t i = 0; i < all.n_queries; ++i) clear(state(scratch.total, i));
    const int64_t first = first_span(g), n = n_spans(g);
    for (int64_t span = first; span < first + n; ++span) {
      attend_span(g, kv_head, span, all, scratch);
      for (int64_t i = 0; i < all.n_queries; ++i)
        kernels_.fold(state(scratch.total, i), state(scratch.part, i), op_.head_dim);
    }
    for (int64_t i = 0; i < all.n_queries; ++i) {
      finish(state(scratch.total, i), g.first + i / heads_per_kv_,
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
      const AttentionQueries all = queries(g, kv_head, scratch);
      attend_span(g, kv_head, first_span(g) + span, all, scratch);
      for (int64_t i = 0; i < all.n_queries; ++i) {
        const AttentionState to =
            part(span, g.first + i / heads_per_kv_, kv_head * heads_per_kv_ + i % heads_per_kv_);
        const AttentionState from = state(scratch.part, i);
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
        const AttentionState total = state(scratch.total, 0);
        clear(total);
        for (int64_t span = 0; span < n_spans(g); ++span)
          kernels_.fold(total, part(span, row, head), op_.head_dim);
        finish(total, row, head);
      }
    }
  }

  Workspace& workspace_;
  const AttentionKernels& kernels_;
  const AttentionKernels::Format& format_;
  AttentionOp op_;
  Buffer q_, out_;
  const float* sinks_;
  int64_t heads_per_kv_;
  int64_t keys_bytes_;
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
