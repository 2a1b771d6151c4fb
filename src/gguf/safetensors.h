// A safetensors checkpoint: one file, or a folder with model.safetensors or
// model.safetensors.index.json and its shards. Mapped; header bounded (100 MB, as the format says)
// and every range checked. Specification: huggingface/safetensors README, "Format".
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/mapped_file.h"
#include "base/result.h"

namespace hearth::gguf {

enum class SafetensorType {
  kF64,
  kF32,
  kF16,
  kBF16,
  kF8_E4M3,
  kF8_E5M2,
  kI64,
  kI32,
  kI16,
  kI8,
  kU8,
  kBool
};

struct Safetensor {
  std::string name;
  SafetensorType type;
  std::vector<uint64_t> shape;  // row-major, slowest first; empty for a scalar
  std::span<const std::byte> data;

  uint64_t n_values() const;
};

class Safetensors {
 public:
  static Result<Safetensors> open(const std::string& path);  // a file or a folder

  std::span<const Safetensor> tensors() const { return tensors_; }  // sorted by name
  const Safetensor* find(std::string_view name) const;              // null if absent

 private:
  std::vector<MappedFile> parts_;
  std::vector<Safetensor> tensors_;
};

// Values [first, first + out.size()) as floats; F64, F32, F16, BF16 only (else kUnsupported).
Result<void> read_floats(const Safetensor& tensor, uint64_t first, std::span<float> out);

}  // namespace hearth::gguf
