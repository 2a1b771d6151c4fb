// Which experts a row goes to, and how the rows of a step sort by expert.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "compute/program.h"

namespace hearth::compute::cpu {

struct ExpertChoice {
  int32_t expert;
  float weight;
};

// The op.n_used experts of a row and their weights, best first (ties: lower index first), from the
// router's scores, which are overwritten. NaN scores give distinct experts and NaN weights.
void choose_experts(const MoeOp& op, std::span<float> scores, std::span<ExpertChoice> chosen);

// Rows [begin, end) of the sorted order, all of one expert and at most the tile asked for.
struct ExpertTile {
  int32_t expert;
  int64_t begin, end;
};

// Every (row, choice) of a step, sorted by expert, then row. Memory for the largest step is taken
// at construction.
class ExpertOrder {
 public:
  ExpertOrder(int64_t max_rows, int32_t n_experts, int32_t n_used, int64_t row_tile);

  std::span<ExpertChoice> choices(int64_t row) {
    return std::span(choices_).subspan(static_cast<size_t>(row * n_used_),
                                       static_cast<size_t>(n_used_));
  }
  void sort(int64_t n_rows);

  // Of sorted place i: the batch row. Of choice c of a row: the sorted place.
  int32_t row_at(int64_t i) const { return row_at_[static_cast<size_t>(i)]; }
  int32_t place_of(int64_t row, int64_t c) const {
    return place_of_[static_cast<size_t>(row * n_used_ + c)];
  }
  std::span<const ExpertTile> tiles() const { return tiles_; }

 private:
  int32_t n_used_;
  int64_t row_tile_;
  std::vector<ExpertChoice> choices_;  // [max_rows, n_used]
  std::vector<int32_t> row_at_, place_of_, begin_;
  std::vector<ExpertTile> tiles_;
};

}  // namespace hearth::compute::cpu
