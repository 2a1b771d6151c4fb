#include "models/weights.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "gguf/quote.h"
#include "quant/type.h"

namespace hearth::models {
namespace {

using compute::kNone;

// Tensors of old files that hold nothing a recipe does not.
bool is_redundant(std::string_view name) {
  return name.ends_with(".attn_rot_embd.weight") || name.ends_with(".attn_rot_embd");
}

// Shapes are written slowest dimension first: [n_rows, n_cols].
std::vector<uint64_t> shape_of(const gguf::Tensor& tensor) {
  std::vector<uint64_t> shape(tensor.dims.begin(), tensor.dims.begin() + tensor.n_dims);
  std::reverse(shape.begin(), shape.end());
  return shape;
}

bool has_shape(const gguf::Tensor& tensor, std::span<const int64_t> shape) {
  std::array<uint64_t, 4> dims{1, 1, 1, 1};
  for (size_t i = 0; i < shape.size(); ++i)
    dims[i] = static_cast<uint64_t>(shape[shape.size() - 1 - i]);
  return dims == tensor.dims;
}

Result<std::vector<float>> decode(const gguf::Tensor& tensor) {
  const quant::TypeInfo& info = quant::type_info(tensor.type);
  if (!info.decode)
    return fail(ErrorCode::kUnsupported,
                fmt::format("tensor '{}' is of type {}, expected a float type; convert it",
                            tensor.name, info.name));
  std::vector<float> values(tensor.n_values());
  info.decode(tensor.data.data(), values.size() / info.block_size, values.data());
  return values;
}

}  // namespace

Result<const gguf::Tensor*> Weights::find(const std::string& name, std::vector<int64_t> shape) {
  const gguf::Tensor* tensor = file_.find_tensor(name);
  if (!tensor)
    return fail(ErrorCode::kInvalidFile,
                fmt::format("tensor '{}' is missing, expected [{}]", name, fmt::join(shape, ", ")));
  if (!has_shape(*tensor, shape))
    return fail(ErrorCode::kInvalidFile,
                fmt::format("tensor '{}' is [{}], expected [{}]", name,
                            fmt::join(shape_of(*tensor), ", "), fmt::join(shape, ", ")));
  used_.insert(name);
  return tensor;
}

Result<int64_t> Weights::n_rows(std::string_view name) const {
  const gguf::Tensor* tensor = file_.find_tensor(name);
  if (!tensor) return fail(ErrorCode::kInvalidFile, fmt::format("tensor '{}' is missing", name));
  if (tensor->n_dims > 2 || tensor->n_rows() > INT32_MAX)
    return fail(ErrorCode::kInvalidFile,
                fmt::format("tensor '{}' is [{}], expected a matrix of fewer than 2^31 rows", name,
                            fmt::join(shape_of(*tensor), ", ")));
  return static_cast<int64_t>(tensor->n_rows());
}

Result<compute::MatrixId> Weights::add(const compute::MatrixSource& source, double share) {
  const uint64_t slice_bytes = sizes_
                                   ? sizes_->matrix_bytes(source.type, source.n_rows, source.n_cols)
                                   : source.data.size() / static_cast<uint64_t>(source.n_slices);
  const uint64_t bytes = slice_bytes * static_cast<uint64_t>(source.n_slices);
  totals_.bytes += bytes;
  totals_.bytes_per_token += static_cast<uint64_t>(static_cast<double>(bytes) * share);
  const double macs = static_cast<double>(source.n_rows) * static_cast<double>(source.n_cols) *
                      static_cast<double>(source.n_slices) * share;
  totals_.macs_per_token[source.type] += static_cast<uint64_t>(macs);
  if (!target_) return 0;
  compute::MatrixSource placed = source;
  placed.file = file_.part_of(source.data);
  matrices_.push_back(
      {std::string(source.name), source.type, source.n_rows, source.n_cols, slice_bytes});
  return target_->add_matrix(placed);
}

Result<compute::MatrixId> Weights::matrix(const std::string& name, int64_t n_rows, int64_t n_cols) {
  return rows(name, 0, n_rows, n_rows, n_cols);
}

Result<compute::MatrixId> Weights::rows(const std::string& name, int64_t first, int64_t n_rows,
                                        int64_t n_all, int64_t n_cols) {
  const gguf::Tensor* tensor = TRY(find(name, {n_all, n_cols}));
  const size_t row_bytes = tensor->data.size() / tensor->n_rows();
  const auto data = tensor->data.subspan(static_cast<size_t>(first) * row_bytes,
                                         static_cast<size_t>(n_rows) * row_bytes);
  return add({name, tensor->type, n_rows, n_cols, 1, data}, 1.0);
}

Result<compute::MatrixId> Weights::experts(const std::string& stem, const MlpRecipe& mlp,
                                           int64_t n_rows, int64_t n_cols) {
  const double share = static_cast<double>(mlp.n_used) / mlp.n_experts;
  const std::string merged = stem + "_exps.weight";
  if (has(merged)) {
    const gguf::Tensor* tensor = TRY(find(merged, {mlp.n_experts, n_rows, n_cols}));
    return add({merged, tensor->type, n_rows, n_cols, mlp.n_experts, tensor->data}, share);
  }
  const auto name_of = [&](int expert) { return fmt::format("{}.{}.weight", stem, expert); };
  if (!has(name_of(0)))
    return fail(ErrorCode::kInvalidFile,
                fmt::format("tensor '{}' is missing, expected [{}, {}, {}]", merged, mlp.n_experts,
                            n_rows, n_cols));
  const gguf::Tensor* first = TRY(find(name_of(0), {n_rows, n_cols}));
  std::vector<std::byte> bytes;
  if (target_) bytes.reserve(first->data.size() * static_cast<size_t>(mlp.n_experts));
  for (int expert = 0; expert < mlp.n_experts; ++expert) {
    const gguf::Tensor* tensor = TRY(find(name_of(expert), {n_rows, n_cols}));
    if (tensor->type != first->type)
      return fail(ErrorCode::kUnsupported,
                  fmt::format("tensor '{}' is of type {}, but '{}' of type {}: experts of one "
                              "layer must share a type",
                              tensor->name, quant::type_info(tensor->type).name, first->name,
                              quant::type_info(first->type).name));
    totals_.bytes += tensor->data.size();
    if (target_) bytes.insert(bytes.end(), tensor->data.begin(), tensor->data.end());
  }
  owned_.push_back(std::move(bytes));
  return add({merged, first->type, n_rows, n_cols, mlp.n_experts, owned_.back()}, share);
}

Result<compute::TableId> Weights::table(const std::string& name, int64_t n_rows, int64_t n_cols) {
  const gguf::Tensor* tensor = TRY(find(name, {n_rows, n_cols}));
  totals_.bytes += tensor->data.size();
  totals_.bytes_per_token += tensor->data.size() / tensor->n_rows();
  if (!target_) return 0;
  tables_.push_back({name, tensor->type, n_rows, n_cols, tensor->data.size()});
  return target_->add_table({name, tensor->type, n_rows, n_cols, 1, tensor->data});
}

Result<compute::VectorId> Weights::vector(const std::string& name, int64_t size,
                                          Presence presence) {
  return part(name, 0, size, size, presence);
}

Result<compute::VectorId> Weights::part(const std::string& name, int64_t first, int64_t size,
                                        int64_t n_all, Presence presence) {
  if (presence == Presence::kNever) return kNone;
  if (presence == Presence::kOptional && !has(name)) return kNone;
  totals_.bytes += static_cast<uint64_t>(size) * sizeof(float);
  totals_.bytes_per_token += static_cast<uint64_t>(size) * sizeof(float);
  if (!target_) {
    TRY(find(name, {n_all}));
    return 0;
  }
  const std::vector<float> all = TRY(values(name, n_all));
  return target_->add_vector(
      std::span(all).subspan(static_cast<size_t>(first), static_cast<size_t>(size)));
}

Result<std::vector<float>> Weights::values(const std::string& name, int64_t size) {
  return decode(*TRY(find(name, {size})));
}

Result<void> Weights::check_all_used() const {
  for (const gguf::Tensor& tensor : file_.tensors())
    if (!used_.contains(tensor.name) && !is_redundant(tensor.name))
      return fail(ErrorCode::kUnsupported,
                  fmt::format("tensor {} has no use in this architecture as Hearth runs it; "
                              "without it the answers would be wrong",
                              gguf::quote(tensor.name)));
  return {};
}

}  // namespace hearth::models
