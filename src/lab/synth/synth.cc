#include "lab/synth/synth.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "base/worker_pool.h"
#include "gguf/writer.h"
#include "lab/synth/random_bits.h"
#include "lab/synth/random_blocks.h"
#include "lab/synth/tensors.h"
#include "models/hyper_parameters.h"
#include "models/rope.h"

namespace hearth::lab {
namespace {

using models::Key;
using quant::Type;

constexpr float kDeviation = 0.02f;        // as trained weights have, about
constexpr float kNormDeviation = 0.02f;    // around 1
constexpr uint64_t kChunkBytes = 1 << 20;  // drawn by one thread; part of what a seed means
constexpr size_t kChunksPerThread = 4;

uint64_t bytes_of(const PlannedTensor& tensor, Type type) {
  return *quant::row_bytes(type, tensor.dims[0]) * (tensor.n_values() / tensor.dims[0]);
}

class Metadata {
 public:
  Metadata(const Shape& shape, gguf::Writer& writer) : shape_(shape), writer_(writer) {}

  void set_general(const SynthOptions& options) {
    writer_.set_string("general.architecture", shape_.architecture);
    writer_.set_string("general.type", "model");
    writer_.set_string("general.name", fmt::format("{}, random weights", shape_.name));
    writer_.set_uint32("general.file_type", static_cast<uint32_t>(options.file_type->id));
    writer_.set_uint32("general.quantization_version", 2);
    writer_.set_string("tokenizer.ggml.model", "none");
  }

  void set_decoder() {
    set(Key::kVocabSize, shape_.n_vocab);
    set(Key::kContextLength, shape_.context);
    set(Key::kEmbeddingLength, shape_.n_embd);
    set(Key::kBlockCount, shape_.n_layers);
    set(Key::kFeedForwardLength, shape_.n_ff);
    set(Key::kHeadCount, shape_.n_heads);
    set(Key::kHeadCountKv, shape_.n_kv_heads);
    set(Key::kKeyLength, shape_.head_dim);
    set(Key::kValueLength, shape_.head_dim);
    set(Key::kRopeDims, shape_.head_dim);
    set(Key::kRmsEpsilon, shape_.epsilon);
    set(Key::kRopeBase, shape_.rope_base);
    if (shape_.window > 0) set(Key::kWindow, shape_.window);
    if (shape_.rope_scale > 0) {
      writer_.set_string(name(Key::kRopeScalingType), "linear");
      set(Key::kRopeScalingFactor, shape_.rope_scale);
    }
    if (shape_.architecture == "phi3") set(Key::kRopeOriginalContext, shape_.context);
    if (shape_.n_experts == 0) return;
    set(Key::kExpertCount, shape_.n_experts);
    set(Key::kExpertUsedCount, shape_.n_used);
    if (shape_.architecture == "qwen3moe") set(Key::kExpertFeedForwardLength, shape_.n_expert_ff);
  }

 private:
  std::string name(Key key) const { return models::key_name(shape_.architecture, key); }
  void set(Key key, int32_t value) { writer_.set_uint32(name(key), static_cast<uint32_t>(value)); }
  void set(Key key, float value) { writer_.set_float32(name(key), value); }

  const Shape& shape_;
  gguf::Writer& writer_;
};

// Draws the tensors and writes them one after another, some MiB at a time.
class Generator {
 public:
  Generator(const Shape& shape, const SynthOptions& options, gguf::Writer& writer)
      : shape_(shape), options_(options), writer_(writer), pool_(options.n_threads) {
    n_total_ = tensor_bytes(shape, *options.file_type, options.is_pure);
  }

  Result<void> write(const PlannedTensor& tensor, Type type) {
    if (tensor.role == Role::kNorm) return write_norm(tensor);
    if (tensor.role == Role::kRopeDivisors) return write_rope_divisors();
    return write_matrix(type, bytes_of(tensor, type));
  }

 private:
  // A chunk's own seed, from where it is in the file and nothing else.
  uint64_t chunk_seed(uint64_t offset) const { return mix_bits(options_.seed) + n_done_ + offset; }

  Result<void> write_matrix(Type type, uint64_t n_bytes) {
    const RandomBlocks blocks(type, kDeviation);
    const uint64_t block_bytes = quant::type_info(type).block_bytes;
    const uint64_t chunk = kChunkBytes / block_bytes * block_bytes;
    const uint64_t n_at_once = chunk * kChunksPerThread * static_cast<uint64_t>(pool_.n_threads());
    buffer_.resize(std::min(n_at_once, n_bytes));
    while (n_bytes > 0) {
      const auto part = std::span(buffer_).first(std::min(n_bytes, n_at_once));
      fill(blocks, chunk, part);
      TRY(writer_.write_bytes(part));
      TRY(count(part.size()));
      n_bytes -= part.size();
    }
    return {};
  }

  void fill(const RandomBlocks& blocks, uint64_t chunk, std::span<std::byte> out) {
    WorkCounter next;
    pool_.run([&](int) {
      const auto size = static_cast<int64_t>(out.size()), step = static_cast<int64_t>(chunk);
      for (int64_t at = next.take(step); at < size; at = next.take(step)) {
        const auto offset = static_cast<size_t>(at);
        const auto n = static_cast<size_t>(std::min(step, size - at));
        blocks.fill(chunk_seed(offset), out.subspan(offset, n));
      }
    });
  }

  Result<void> write_norm(const PlannedTensor& tensor) {
    RandomBits random(chunk_seed(0));
    std::vector<float> values(tensor.n_values());
    for (float& value : values)
      value = 1 + kNormDeviation * std::sqrt(3.0f) * (2 * random.unit() - 1);
    return write_floats(values);
  }

  Result<void> write_rope_divisors() {
    return write_floats(models::llama3_divisors(*shape_.llama3, shape_.rope_base, shape_.head_dim));
  }

  Result<void> write_floats(std::span<const float> values) {
    TRY(writer_.write_floats(values));
    return count(values.size_bytes());
  }

  Result<void> count(uint64_t n_bytes) {
    n_done_ += n_bytes;
    if (!options_.on_progress || options_.on_progress(n_done_, n_total_)) return {};
    return fail(ErrorCode::kCancelled, "stopped; no file was written");
  }

  const Shape& shape_;
  const SynthOptions& options_;
  gguf::Writer& writer_;
  WorkerPool pool_;
  std::vector<std::byte> buffer_;
  uint64_t n_done_ = 0, n_total_;
};

}  // namespace

uint64_t tensor_bytes(const Shape& shape, const FileType& file_type, bool is_pure) {
  uint64_t n = 0;
  for (const PlannedTensor& tensor : plan_tensors(shape))
    n += bytes_of(tensor, tensor_type(file_type, is_pure, shape, tensor));
  return n;
}

Result<void> write_synthetic(const Shape& shape, const std::string& path,
                             const SynthOptions& options) {
  const std::vector<PlannedTensor> tensors = plan_tensors(shape);
  const auto type_of = [&](const PlannedTensor& tensor) {
    return tensor_type(*options.file_type, options.is_pure, shape, tensor);
  };
  gguf::Writer writer = TRY(gguf::Writer::create(path));
  Metadata metadata(shape, writer);
  metadata.set_general(options);
  metadata.set_decoder();
  for (const PlannedTensor& tensor : tensors)
    TRY(writer.declare(tensor.name, type_of(tensor), tensor.dims));
  TRY(writer.begin_data());
  Generator generator(shape, options, writer);
  for (const PlannedTensor& tensor : tensors) TRY(generator.write(tensor, type_of(tensor)));
  return writer.finish();
}

}  // namespace hearth::lab
