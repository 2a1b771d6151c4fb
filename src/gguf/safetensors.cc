#include "gguf/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <map>
#include <set>

#include "base/checked_math.h"
#include "base/half.h"
#include "gguf/byte_reader.h"
#include "gguf/limits.h"
#include "gguf/quote.h"
#include "gguf/safetensors_json.h"

namespace hearth::gguf {
namespace {

using Bytes = std::span<const std::byte>;

struct TypeRow {
  SafetensorType type;
  const char* name;
  uint32_t n_bytes;
};

// In the order of SafetensorType.
constexpr TypeRow kTypes[] = {
    {SafetensorType::kF64, "F64", 8},         {SafetensorType::kF32, "F32", 4},
    {SafetensorType::kF16, "F16", 2},         {SafetensorType::kBF16, "BF16", 2},
    {SafetensorType::kF8_E4M3, "F8_E4M3", 1}, {SafetensorType::kF8_E5M2, "F8_E5M2", 1},
    {SafetensorType::kI64, "I64", 8},         {SafetensorType::kI32, "I32", 4},
    {SafetensorType::kI16, "I16", 2},         {SafetensorType::kI8, "I8", 1},
    {SafetensorType::kU8, "U8", 1},           {SafetensorType::kBool, "BOOL", 1},
    {SafetensorType::kU16, "U16", 2},         {SafetensorType::kU32, "U32", 4},
    {SafetensorType::kU64, "U64", 8},
};

const TypeRow& row_of(SafetensorType type) { return kTypes[static_cast<size_t>(type)]; }

Result<SafetensorType> parse_type(std::string_view name) {
  const auto row = std::ranges::find(kTypes, name, &TypeRow::name);
  if (row != std::end(kTypes)) return row->type;
  return fail(ErrorCode::kUnsupported,
              fmt::format("dtype {} is not one that Hearth knows", quote(name)));
}

Result<uint64_t> checked_bytes(std::span<const uint64_t> shape, SafetensorType type) {
  std::optional<uint64_t> n_bytes = row_of(type).n_bytes;
  for (const uint64_t dim : shape) n_bytes = n_bytes ? checked_mul(*n_bytes, dim) : n_bytes;
  if (n_bytes) return *n_bytes;
  return fail(ErrorCode::kInvalidFile,
              fmt::format("shape [{}] does not fit 64 bits", fmt::join(shape, ", ")));
}

Result<Safetensor> place(SafetensorHeaderRow row, Bytes data) {
  Safetensor tensor;
  tensor.type = TRY(parse_type(row.type));
  const auto [begin, end] = row.range;
  const uint64_t n_bytes = TRY(checked_bytes(row.shape, tensor.type));
  if (begin > end || end - begin != n_bytes) {
    return fail(ErrorCode::kInvalidFile,
                fmt::format("data_offsets [{}, {}], but shape [{}] of {} has {} bytes", begin, end,
                            fmt::join(row.shape, ", "), row.type, n_bytes));
  }
  tensor.data = TRY(checked_range(data, begin, n_bytes, "its part of the data section"));
  tensor.name = std::move(row.name);
  tensor.shape = std::move(row.shape);
  return tensor;
}

// As the format says: every byte of the data section belongs to one tensor.
Result<void> check_layout(std::vector<SafetensorHeaderRow>& rows, uint64_t data_bytes) {
  std::ranges::sort(rows, {}, &SafetensorHeaderRow::range);
  uint64_t at = 0;
  for (const SafetensorHeaderRow& row : rows) {
    if (row.range[0] != at) {
      return fail(ErrorCode::kInvalidFile,
                  fmt::format("tensor {} starts at byte {} of the data, the one before it ends at "
                              "{}",
                              quote(row.name), row.range[0], at));
    }
    at = row.range[1];
  }
  if (at == data_bytes) return {};
  return fail(ErrorCode::kInvalidFile,
              fmt::format("the tensors end at byte {} of the data, the file has {}: it is damaged "
                          "or incomplete, get it again",
                          at, data_bytes));
}

std::string_view text_of(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Result<std::vector<Safetensor>> parse_file(Bytes bytes) {
  ByteReader reader(bytes);
  auto header = reader.read_string(kMaxJsonBytes, "safetensors header");
  if (!header) return std::unexpected(std::move(header).error());
  if (!header->starts_with('{')) {
    return fail(ErrorCode::kInvalidFile,
                fmt::format("not a safetensors file: the header starts with {}, wanted '{{'",
                            quote(header->substr(0, 8))));
  }
  auto rows = parse_safetensors_header(*header);
  if (!rows) return fail_at("safetensors header", std::move(rows).error());
  const Bytes data = TRY(reader.take(reader.remaining(), "data"));
  TRY(check_layout(*rows, data.size()));
  std::vector<Safetensor> tensors;
  tensors.reserve(rows->size());
  for (SafetensorHeaderRow& row : *rows) {
    const std::string where = "tensor " + quote(row.name);
    auto tensor = place(std::move(row), data);
    if (!tensor) return fail_at(where, std::move(tensor).error());
    tensors.push_back(*std::move(tensor));
  }
  return tensors;
}

Result<std::map<std::string, std::string>> read_index(const std::string& path) {
  const MappedFile file = TRY(MappedFile::open(path));
  if (file.bytes().size() > kMaxJsonBytes) {
    return fail(ErrorCode::kLimitExceeded, fmt::format("{}: {} bytes, the limit is {}", path,
                                                       file.bytes().size(), kMaxJsonBytes));
  }
  auto index = parse_safetensors_index(text_of(file.bytes()));
  if (!index) return fail_at(path, std::move(index).error());
  return index;
}

// `at` steps of sizeof(T) into the tensor's bytes, which have no alignment.
template <class T, class ToFloat>
void convert(Bytes data, uint64_t first, std::span<float> out, ToFloat to_float) {
  const std::byte* at = data.data() + first * sizeof(T);
  for (float& value : out) {
    T stored;
    std::memcpy(&stored, at, sizeof stored);
    value = to_float(stored);
    at += sizeof stored;
  }
}

}  // namespace

const char* safetensor_type_name(SafetensorType type) { return row_of(type).name; }

uint64_t Safetensor::n_values() const { return data.size() / row_of(type).n_bytes; }

Result<Safetensors> Safetensors::parse(Bytes bytes) {
  Safetensors out;
  out.tensors_ = TRY(parse_file(bytes));
  TRY(out.finish());
  return out;
}

Result<Safetensors> Safetensors::open(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  std::string file_path = path;
  if (fs::is_directory(path, ignored)) {
    file_path = (fs::path(path) / "model.safetensors").string();
    if (!fs::exists(file_path, ignored)) return open_shards(path);
  }
  MappedFile file = TRY(MappedFile::open(file_path));
  auto out = parse(file.bytes());
  if (!out) return fail_at(file_path, std::move(out).error());
  out->parts_.push_back(std::move(file));
  return out;
}

Result<Safetensors> Safetensors::open_shards(const std::string& folder) {
  const auto path_of = [&](std::string_view name) {
    return (std::filesystem::path(folder) / name).string();
  };
  auto index = read_index(path_of("model.safetensors.index.json"));
  if (!index && index.error().code == ErrorCode::kNotFound) {
    return fail(
        ErrorCode::kNotFound,
        fmt::format("{}: has neither model.safetensors nor model.safetensors.index.json", folder));
  }
  const auto file_of = TRY(std::move(index));
  std::set<std::string_view> names;
  for (const auto& [tensor, name] : file_of) names.insert(name);
  if (names.size() > kMaxParts) {
    return fail(ErrorCode::kLimitExceeded,
                fmt::format("{}: {} shards, the limit is {}", folder, names.size(), kMaxParts));
  }
  Safetensors out;
  for (const std::string_view name : names) {
    MappedFile file = TRY(MappedFile::open(path_of(name)));
    auto tensors = parse_file(file.bytes());
    if (!tensors) return fail_at(path_of(name), std::move(tensors).error());
    for (Safetensor& tensor : *tensors) {
      const auto listed = file_of.find(tensor.name);
      if (listed != file_of.end() && listed->second == name) {
        out.tensors_.push_back(std::move(tensor));
      }
    }
    out.parts_.push_back(std::move(file));
  }
  auto finished = out.finish();
  if (!finished) return fail_at(folder, std::move(finished).error());
  for (const auto& [tensor, name] : file_of) {
    if (out.find(tensor) != nullptr) continue;
    return fail(
        ErrorCode::kInvalidFile,
        fmt::format("{}: tensor {} is not there, as the index says", path_of(name), quote(tensor)));
  }
  return out;
}

Result<void> Safetensors::finish() {
  std::ranges::sort(tensors_, {}, &Safetensor::name);
  const auto twice = std::ranges::adjacent_find(tensors_, {}, &Safetensor::name);
  if (twice == tensors_.end()) return {};
  return fail(ErrorCode::kInvalidFile, fmt::format("tensor {} is there twice", quote(twice->name)));
}

const Safetensor* Safetensors::find(std::string_view name) const {
  const auto found = std::ranges::lower_bound(
      tensors_, name, {}, [](const Safetensor& t) -> std::string_view { return t.name; });
  return found == tensors_.end() || found->name != name ? nullptr : &*found;
}

Result<void> read_floats(const Safetensor& tensor, uint64_t first, std::span<float> out) {
  if (first > tensor.n_values() || out.size() > tensor.n_values() - first) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("tensor {} has {} values, asked for {} from {}", quote(tensor.name),
                            tensor.n_values(), out.size(), first));
  }
  switch (tensor.type) {
    case SafetensorType::kF64:
      convert<double>(tensor.data, first, out, [](double v) { return static_cast<float>(v); });
      return {};
    case SafetensorType::kF32:
      convert<float>(tensor.data, first, out, [](float v) { return v; });
      return {};
    case SafetensorType::kF16: convert<uint16_t>(tensor.data, first, out, half_to_float); return {};
    case SafetensorType::kBF16:
      convert<uint16_t>(tensor.data, first, out, bfloat16_to_float);
      return {};
    default:
      return fail(ErrorCode::kUnsupported,
                  fmt::format("tensor {} is {}, wanted F64, F32, F16 or BF16", quote(tensor.name),
                              safetensor_type_name(tensor.type)));
  }
}

}  // namespace hearth::gguf
