#include "compute/cpu/workspace.h"

#include <algorithm>

namespace hearth::compute::cpu {

Result<float*> Workspace::allocate(int64_t n_floats, std::string_view purpose) {
  pages_.push_back(TRY(Pages::map(static_cast<uint64_t>(n_floats) * sizeof(float), purpose)));
  return pages_.back().floats();
}

void Workspace::reserve(Shared which, int64_t n_floats) {
  SharedFloats& floats = shared_[static_cast<size_t>(which)];
  floats.n = std::max(floats.n, n_floats);
}

Result<void> Workspace::allocate_shared() {
  for (SharedFloats& floats : shared_) {
    floats.data = TRY(allocate(floats.n, "scratch memory of a step"));
  }
  return {};
}

RoundedRows& Workspace::rounded_rows(RowSpace space, ActivationFormat format, int64_t n_cols,
                                     int64_t n_max_rows) {
  for (RoundedRows& rounded : rounded_) {
    const bool fits = rounded.space == space && rounded.format == format;
    if (fits && rounded.n_cols == n_cols) return rounded;
  }
  rounded_.emplace_back(space, format, n_cols, n_max_rows);
  RoundedRows& rounded = rounded_.back();
  for (int thread = 0; thread < n_threads(); ++thread) {
    rounded.single.emplace_back(1, n_cols);
    rounded.single.back().reset(1, n_cols, format);
  }
  return rounded;
}

void Workspace::reset_rows(RowSpace space, int64_t n_rows) {
  for (RoundedRows& rounded : rounded_) {
    if (rounded.space == space) rounded.rows.reset(n_rows, rounded.n_cols, rounded.format);
  }
}

}  // namespace hearth::compute::cpu
