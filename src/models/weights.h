// The file's tensors, handed out by name with the shape that the recipe expects, and added up.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/result.h"
#include "compute/backend.h"
#include "compute/step_work.h"
#include "gguf/file.h"
#include "models/recipe.h"
#include "quant/type.h"

namespace hearth::models {

// Memory that add_matrix borrowed from us instead of the file.
using OwnedBytes = std::vector<std::vector<std::byte>>;

struct WeightTotals {
  uint64_t bytes = 0;            // in the backend's layout, with tables and copies
  uint64_t bytes_per_token = 0;  // that one generated token reads
  std::map<quant::Type, uint64_t> macs_per_token;  // multiply-adds with matrices, by weight type
};

// Errors name the tensor, what was found and what was expected.
class Weights {
 public:
  // With no target nothing is added and nothing is copied: shapes and totals alone, ids are
  // meaningless. With no `sizes`, matrices count as in the file. All must outlive the object.
  Weights(const gguf::File& file, const compute::Backend* sizes, compute::Backend* target)
      : file_(file), sizes_(sizes), target_(target) {}

  bool has(std::string_view name) const { return file_.find_tensor(name) != nullptr; }
  Result<int64_t> n_rows(std::string_view name) const;  // of a matrix

  Result<compute::MatrixId> matrix(const std::string& name, int64_t n_rows, int64_t n_cols);
  // Rows [first, first + n_rows) of a matrix of n_all rows, in place.
  Result<compute::MatrixId> rows(const std::string& name, int64_t first, int64_t n_rows,
                                 int64_t n_all, int64_t n_cols);
  // `<stem>_exps.weight` [n_experts, n_rows, n_cols], or the older `<stem>.<i>.weight`, copied
  // together.
  Result<compute::MatrixId> experts(const std::string& stem, const MlpRecipe& mlp, int64_t n_rows,
                                    int64_t n_cols);
  Result<compute::TableId> table(const std::string& name, int64_t n_rows, int64_t n_cols);
  // kNone where it may be absent and is.
  Result<compute::VectorId> vector(const std::string& name, int64_t size,
                                   Presence presence = Presence::kRequired);
  // Elements [first, first + size) of a vector of n_all.
  Result<compute::VectorId> part(const std::string& name, int64_t first, int64_t size,
                                 int64_t n_all, Presence presence);
  Result<std::vector<float>> values(const std::string& name, int64_t size);

  // An error for a tensor that nobody asked for: running without it would be silently wrong.
  Result<void> check_all_used() const;

  const WeightTotals& totals() const { return totals_; }
  OwnedBytes take_owned() { return std::move(owned_); }
  // What the target was given, by id.
  std::vector<compute::WeightFacts> take_matrices() { return std::move(matrices_); }
  std::vector<compute::WeightFacts> take_tables() { return std::move(tables_); }

 private:
  Result<const gguf::Tensor*> find(const std::string& name, std::vector<int64_t> shape);
  Result<compute::MatrixId> add(const compute::MatrixSource& source, double share);

  const gguf::File& file_;
  const compute::Backend* sizes_;
  compute::Backend* target_;
  std::unordered_set<std::string> used_;
  WeightTotals totals_;
  OwnedBytes owned_;
  std::vector<compute::WeightFacts> matrices_, tables_;
};

}  // namespace hearth::models
