// The tokens that are still in the draw, as the samplers see them.
//
// Starts dense: every token of the vocabulary, in the caller's logits, at no cost. The first
// sampler that cuts makes the list of survivors; only they are ever sorted or exponentiated. Order
// is by logit, larger first, ties by lower token. Memory is kept from token to token. One thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace hearth::engine {

struct Candidate {
  int32_t token;
  float logit;
  double weight;  // e^(logit - max): probability times total_weight(); set by weigh()
};

// The order of candidates: most likely first.
inline bool ranks_before(const Candidate& a, const Candidate& b) {
  return a.logit != b.logit ? a.logit > b.logit : a.token < b.token;
}

class Candidates {
 public:
  static constexpr size_t kOctaves = 64;  // of weights, by which keep_share() finds its depth

  // Begins a draw over all tokens. `logits` (no NaN, no +infinity; -infinity is out of the draw) is
  // altered by add() and scale(), and must stay until the draw ends.
  void reset(std::span<float> logits);

  // Logit of a token, null if it is not in the draw. Cost: 1 when dense, else the survivors.
  // Call changed() after writing.
  float* find(int32_t token);
  void changed();

  float max_logit() const;                  // -infinity if none is left
  void scale(float center, float divisor);  // logit = (logit - center) / divisor
  // Mean and standard deviation (over n) of the finite logits.
  void spread(double* mean, double* deviation) const;

  void keep_top(size_t n);          // the n first in order, sorted; n >= 1
  void keep_at_least(float logit);  // those not below
  // The fewest first in order whose weights sum to `share` of the total or more, sorted; at least
  // one. Sorts only about as many as it keeps.
  void keep_share(double share);
  void truncate(size_t n);  // the first n of items(); n <= size
  void replace(std::span<const Candidate> kept);

  // The survivors. sort_front(n) puts the n first in order at the front, sorted; repeated calls
  // with a growing n go on from the last.
  std::span<const Candidate> items();
  void sort_front(size_t n);
  // Sets every weight. Valid until logits or survivors change.
  void weigh();
  double total_weight() const { return total_weight_; }

 private:
  void make_list();
  bool cut_at(double wanted);
  void weigh_logits(double most);
  void list_weighed(float least);

  std::span<float> logits_;
  bool is_dense_ = true;
  bool is_weighed_ = false;
  size_t n_sorted_ = 0;  // items_[0, n_sorted_) are the first in order, sorted
  double total_weight_ = 0;
  std::vector<Candidate> items_;
  // Of keep_share(): the weights of logits_, their sums by octave, and room to sort in.
  std::vector<double> weights_;
  std::array<double, kOctaves> shares_;
  std::vector<Candidate> sorted_;
};

}  // namespace hearth::engine
