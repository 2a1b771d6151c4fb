#include "gguf/tensor_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "base/checked_math.h"
#include "gguf/limits.h"
#include "gguf/metadata_reader.h"
#include "gguf/quote.h"

namespace hearth::gguf {
namespace {

struct Info {
  Tensor tensor;    // without its data
  uint64_t offset;  // in the data section
  uint64_t n_bytes;
};

Result<const quant::TypeInfo*> read_type(ByteReader& reader) {
  const uint32_t id = TRY(reader.read<uint32_t>("type"));
  if (const quant::TypeInfo* row = quant::find_type(id)) return row;
  return fail(ErrorCode::kUnsupported,
              fmt::format("type id {} is not one that Hearth knows; convert the model to another "
                          "type",
                          id));
}

// Everything of an info but its name.
Result<Info> read_layout(ByteReader& reader, uint32_t alignment) {
  Info info{};
  const uint32_t n_dims = TRY(reader.read<uint32_t>("number of dimensions"));
  if (n_dims < 1 || n_dims > 4) {
    return fail(ErrorCode::kInvalidFile, fmt::format("has {} dimensions, wanted 1 to 4", n_dims));
  }
  info.tensor.n_dims = static_cast<int>(n_dims);
  info.tensor.dims.fill(1);
  for (uint32_t i = 0; i < n_dims; ++i) {
    info.tensor.dims[i] = TRY(reader.read<uint64_t>("dimension"));
  }
  info.tensor.type = TRY(read_type(reader))
  ->type;
  info.offset = TRY(reader.read<uint64_t>("offset"));
  if (info.offset % alignment != 0) {
    return fail(ErrorCode::kInvalidFile, fmt::format("offset {} is no multiple of the alignment {}",
                                                     info.offset, alignment));
  }
  info.n_bytes =
      TRY(checked_tensor_bytes(info.tensor.type, std::span(info.tensor.dims).first(n_dims)));
  return info;
}

Result<Info> read_info(ByteReader& reader, uint32_t alignment) {
  std::string name = TRY(read_name(reader, kMaxTensorNameBytes, "tensor name"));
  auto info = read_layout(reader, alignment);
  if (!info) return fail_at("tensor " + quote(name), std::move(info).error());
  info->tensor.name = std::move(name);
  return info;
}

// Each Info's range is already known to lie inside the file.
Result<void> check_overlap(std::span<const Info> infos) {
  std::vector<const Info*> by_offset;
  by_offset.reserve(infos.size());
  for (const Info& info : infos) by_offset.push_back(&info);
  std::ranges::sort(by_offset, {}, &Info::offset);
  for (size_t i = 1; i < by_offset.size(); ++i) {
    const Info& left = *by_offset[i - 1];
    const Info& right = *by_offset[i];
    if (left.offset + left.n_bytes <= right.offset) continue;
    return fail(ErrorCode::kInvalidFile,
                fmt::format("tensors {} and {} overlap", quote(left.tensor.name),
                            quote(right.tensor.name)));
  }
  return {};
}

}  // namespace

Result<uint64_t> checked_tensor_bytes(quant::Type type, std::span<const uint64_t> dims) {
  const auto bad = [&](std::string_view why) {
    return fail(ErrorCode::kInvalidFile, fmt::format("shape [{}] of {} {}", fmt::join(dims, ", "),
                                                     quant::type_info(type).name, why));
  };
  if (dims.empty() || dims.size() > 4) return bad("needs 1 to 4 dimensions");
  if (std::ranges::find(dims, 0u) != dims.end()) return bad("has a dimension of 0");
  if (dims[0] % quant::type_info(type).block_size != 0) {
    return bad(fmt::format("has rows that its blocks of {} values do not divide",
                           quant::type_info(type).block_size));
  }
  std::optional<uint64_t> n_values = 1;
  for (const uint64_t dim : dims) n_values = n_values ? checked_mul(*n_values, dim) : n_values;
  const auto n_bytes = n_values ? quant::row_bytes(type, *n_values) : std::nullopt;
  if (!n_bytes) return bad("does not fit 64 bits");
  return *n_bytes;
}

Result<std::vector<Tensor>> read_tensors(ByteReader& reader, std::span<const std::byte> file,
                                         uint64_t n_tensors, uint32_t alignment) {
  std::vector<Info> infos;
  for (uint64_t i = 0; i < n_tensors; ++i) infos.push_back(TRY(read_info(reader, alignment)));
  if (infos.empty()) return std::vector<Tensor>();

  const auto data_start = checked_round_up<uint64_t>(reader.offset(), alignment);
  for (Info& info : infos) {
    const auto begin = data_start ? checked_add(*data_start, info.offset) : std::nullopt;
    auto data = begin ? checked_range(file, *begin, info.n_bytes, "its data")
                      : fail(ErrorCode::kInvalidFile, "its offset does not fit 64 bits");
    if (!data) return fail_at("tensor " + quote(info.tensor.name), std::move(data).error());
    info.tensor.data = *data;
  }
  TRY(check_overlap(infos));
  std::vector<Tensor> tensors;
  tensors.reserve(infos.size());
  for (Info& info : infos) tensors.push_back(std::move(info.tensor));
  return tensors;
}

Result<std::vector<uint32_t>> index_by_name(std::span<const Tensor> tensors) {
  std::vector<uint32_t> order(tensors.size());
  std::iota(order.begin(), order.end(), 0u);
  const auto name_of = [&](uint32_t i) -> std::string_view { return tensors[i].name; };
  std::ranges::sort(order, {}, name_of);
  const auto twice = std::ranges::adjacent_find(order, {}, name_of);
  if (twice != order.end()) {
    return fail(ErrorCode::kInvalidFile,
                fmt::format("tensor {} is there twice", quote(name_of(*twice))));
  }
  return order;
}

}  // namespace hearth::gguf
