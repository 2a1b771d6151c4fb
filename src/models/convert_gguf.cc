#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "gguf/file.h"
#include "gguf/quote.h"
#include "gguf/writer.h"
#include "models/convert.h"
#include "models/convert/target_type.h"

namespace hearth::models {
namespace {

constexpr uint64_t kChunkValues = 1 << 20;

uint64_t source_bytes(const gguf::File& file) {
  uint64_t n = 0;
  for (const gguf::Tensor& tensor : file.tensors()) n += tensor.data.size();
  return n;
}

// A tensor's rows, decoded and encoded again a few at a time.
Result<void> write_tensor(const gguf::Tensor& tensor, quant::Type type, std::vector<float>& values,
                          gguf::Writer& writer) {
  if (tensor.type == type) return writer.write_bytes(tensor.data);
  const quant::TypeInfo& info = quant::type_info(tensor.type);
  const uint64_t row_bytes = tensor.data.size() / tensor.n_rows();
  const uint64_t chunk =
      std::clamp<uint64_t>(kChunkValues / tensor.row_length(), 1, tensor.n_rows());
  for (uint64_t row = 0; row < tensor.n_rows(); row += chunk) {
    const uint64_t n_rows = std::min(chunk, tensor.n_rows() - row);
    values.resize(n_rows * tensor.row_length());
    info.decode(tensor.data.data() + row * row_bytes, values.size() / info.block_size,
                values.data());
    TRY(check_values(values, tensor.name, type));
    TRY(writer.write_floats(values));
  }
  return {};
}

}  // namespace

Result<void> convert_gguf(const std::string& path, const std::string& out,
                          const ConvertOptions& options) {
  const uint32_t type_number = TRY(file_type_number(options.type));
  const gguf::File file = TRY(gguf::File::open(path));
  gguf::Writer writer = TRY(gguf::Writer::create(out));
  for (const gguf::Metadata::Entry& entry : file.metadata().entries())
    writer.set_value(entry.key, entry.value);
  writer.set_uint32("general.file_type", type_number);

  std::vector<quant::Type> types;
  for (const gguf::Tensor& tensor : file.tensors()) {
    if (quant::type_info(tensor.type).decode == nullptr)
      return fail(ErrorCode::kUnsupported,
                  fmt::format("{}: tensor {} is of type {}, which cannot be converted", path,
                              gguf::quote(tensor.name), quant::type_info(tensor.type).name));
    types.push_back(stored_type(tensor.name, static_cast<size_t>(tensor.n_dims),
                                tensor.row_length(), options.type));
    TRY(writer.declare(tensor.name, types.back(),
                       std::span(tensor.dims).first(static_cast<size_t>(tensor.n_dims))));
  }
  TRY(writer.begin_data());
  std::vector<float> values;
  const uint64_t n_total = source_bytes(file);
  uint64_t n_done = 0;
  for (size_t i = 0; i < types.size(); ++i) {
    const gguf::Tensor& tensor = file.tensors()[i];
    TRY(write_tensor(tensor, types[i], values, writer));
    n_done += tensor.data.size();
    if (options.on_progress) options.on_progress(n_done, n_total);
  }
  return writer.finish();
}

}  // namespace hearth::models
