#include "models/convert.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <utility>
#include <vector>

#include "gguf/file.h"
#include "gguf/safetensors.h"
#include "gguf/writer.h"
#include "models/builder.h"
#include "models/convert/conversion.h"
#include "models/convert/target_type.h"
#include "models/convert/tokenizer.h"
#include "models/registry.h"

namespace hearth::models {
namespace {

using quant::Type;

constexpr uint64_t kChunkValues = 1 << 20;

// One source tensor as rows in their new order. A vector counts as rows of one value where rows
// are reordered, and as one row where not.
class SourceRows {
 public:
  SourceRows(const PlannedTensor& tensor, const gguf::Safetensor& source)
      : tensor_(tensor), source_(source) {
    n_cols_ = source.shape.size() == 1 ? 1 : source.shape.back();
    n_rows_ = n_cols_ == 0 ? 0 : source.n_values() / n_cols_;
    const bool reorders = tensor.change == Change::kPairQ || tensor.change == Change::kPairKv;
    if (reorders && tensor.n_heads > 0)
      head_rows_ = n_rows_ / static_cast<uint64_t>(tensor.n_heads);
  }

  Result<void> check() const {
    const bool is_whole = head_rows_ == 0 || (head_rows_ % 2 == 0 && n_rows_ % head_rows_ == 0);
    if (n_rows_ > 0 && is_whole) return {};
    return fail(ErrorCode::kInvalidFile,
                fmt::format("tensor '{}' of {} rows does not divide into {} "
                            "heads of even size",
                            source_.name, n_rows_, tensor_.n_heads));
  }

  uint64_t n_rows() const { return n_rows_; }
  uint64_t chunk_rows() const {
    if (source_.shape.size() == 1) return n_rows_;
    return std::clamp<uint64_t>(kChunkValues / n_cols_, 1, n_rows_);
  }

  Result<void> read(uint64_t first, uint64_t count, std::vector<float>& out) const {
    out.resize(count * n_cols_);
    if (head_rows_ == 0) {
      TRY(gguf::read_floats(source_, first * n_cols_, out));
    } else {
      for (uint64_t i = 0; i < count; ++i)
        TRY(gguf::read_floats(source_, source_row(first + i) * n_cols_,
                              std::span(out).subspan(i * n_cols_, n_cols_)));
    }
    if (tensor_.change == Change::kAddOne)
      for (float& value : out) value += 1;
    return {};
  }

 private:
  uint64_t source_row(uint64_t row) const {
    const uint64_t in_head = row % head_rows_;
    return row - in_head + in_head % 2 * (head_rows_ / 2) + in_head / 2;
  }

  const PlannedTensor& tensor_;
  const gguf::Safetensor& source_;
  uint64_t n_rows_ = 0, n_cols_ = 0;
  uint64_t head_rows_ = 0;  // 0: rows stay where they are
};

class Run {
 public:
  Run(gguf::Writer& writer, const ConvertOptions& options) : writer_(writer), options_(options) {}

  Result<void> write(const std::vector<PlannedTensor>& plan) {
    for (const PlannedTensor& tensor : plan) {
      std::vector<uint64_t> dims(tensor.shape.rbegin(), tensor.shape.rend());
      types_.push_back(stored_type(tensor.name, tensor.shape.size(), dims[0], options_.type));
      TRY(writer_.declare(tensor.name, types_.back(), dims));
      for (const gguf::Safetensor* source : tensor.sources) n_total_ += source->data.size();
    }
    TRY(writer_.begin_data());
    for (size_t i = 0; i < plan.size(); ++i) TRY(write_tensor(plan[i], types_[i]));
    return {};
  }

 private:
  Result<void> write_tensor(const PlannedTensor& tensor, Type type) {
    if (tensor.sources.empty()) return writer_.write_floats(tensor.values);
    for (const gguf::Safetensor* source : tensor.sources) {
      const SourceRows rows(tensor, *source);
      TRY(rows.check());
      for (uint64_t first = 0; first < rows.n_rows(); first += rows.chunk_rows()) {
        TRY(rows.read(first, std::min(rows.chunk_rows(), rows.n_rows() - first), values_));
        TRY(check_values(values_, source->name, type));
        TRY(writer_.write_floats(values_));
      }
      n_done_ += source->data.size();
      if (options_.on_progress) options_.on_progress(n_done_, n_total_);
    }
    return {};
  }

  gguf::Writer& writer_;
  const ConvertOptions& options_;
  std::vector<Type> types_;
  std::vector<float> values_;
  uint64_t n_done_ = 0, n_total_ = 0;
};

Result<HfConfig> text_config(const HfConfig& config) {
  return config.has("text_config") ? config.object("text_config") : config;
}

Result<const Family*> family_of(const HfConfig& config) {
  const auto classes = TRY(config.texts("architectures"));
  if (classes.size() != 1)
    return fail(
        ErrorCode::kUnsupported,
        fmt::format("config.json: 'architectures' names {} classes, expected one", classes.size()));
  return find_hf_family(classes[0]);
}

Result<uint64_t> vocabulary_rows(const std::vector<PlannedTensor>& plan) {
  for (const PlannedTensor& tensor : plan)
    if (tensor.name == "token_embd.weight") return tensor.shape[0];
  return fail(ErrorCode::kInvalidFile, "the checkpoint has no token embeddings");
}

// What Model::load would say of the file, short of memory.
Result<void> check_loadable(const std::string& path) {
  const gguf::File file = TRY(gguf::File::open(path));
  const HyperParameters keys = TRY(HyperParameters::open(file.metadata()));
  const Family* family = TRY(find_family(keys.architecture()));
  const Recipe recipe = TRY(family->read(keys));
  Weights weights(file, nullptr, nullptr);
  TRY(build_program(recipe, recipe.trained_context, weights));
  return {};
}

Result<void> write_file(const std::string& dir, const std::string& out,
                        const ConvertOptions& options) {
  const uint32_t type_number = TRY(file_type_number(options.type));
  const HfConfig config = TRY(HfConfig::read(dir + "/config.json"));
  const Family* family = TRY(family_of(config));
  const gguf::Safetensors checkpoint = TRY(gguf::Safetensors::open(dir));
  gguf::Writer writer = TRY(gguf::Writer::create(out));

  writer.set_string("general.architecture", family->architecture);
  writer.set_string("general.type", "model");
  writer.set_string("general.name", std::filesystem::weakly_canonical(dir).filename().string());
  writer.set_uint32("general.file_type", type_number);
  writer.set_uint32("general.quantization_version", 2);

  HfConfig text = TRY(text_config(config));
  Conversion conversion(family->architecture, std::move(text), writer);
  TRY(family->convert(conversion));
  const std::vector<PlannedTensor> plan = TRY(conversion.plan(checkpoint));
  const uint64_t n_rows = TRY(vocabulary_rows(plan));
  TRY(write_tokenizer(dir, n_rows, writer));
  TRY(Run(writer, options).write(plan));
  return writer.finish();
}

}  // namespace

Result<void> convert_hf(const std::string& dir, const std::string& out,
                        const ConvertOptions& options) {
  TRY(write_file(dir, out, options));
  const Result<void> loadable = check_loadable(out);
  if (!loadable) {
    std::remove(out.c_str());
    return fail_at(fmt::format("{} converts to a file that cannot be loaded", dir),
                   loadable.error());
  }
  return {};
}

}  // namespace hearth::models
