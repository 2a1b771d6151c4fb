// A safetensors checkpoint: one file, or a folder with model.safetensors or
// model.safetensors.index.json and its shards. Mapped; header bounded (100 MB, as the format says)
// and every range checked. Views live as long as the object; any thread may read. Specification:
// huggingface/safetensors README, "Format".
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
  kBool,
  kU16,
  kU32,
  kU64
};

const char* safetensor_type_name(SafetensorType type);  // as in files: "BF16", "F8_E4M3"

struct Safetensor {
  std::string name;
  SafetensorType type;
  std::vector<uint64_t> shape;  // row-major, slowest first; empty for a scalar
  std::span<const std::byte> data;

  uint64_t n_values() const;
};

class Safetensors {
 public:
  // A file or a folder. Of a folder with shards, the tensors that its index lists.
  static Result<Safetensors> open(const std::string& path);

  // One file's bytes, which stay the caller's and must outlive the object.
  static Result<Safetensors> parse(std::span<const std::byte> bytes);

  std::span<const Safetensor> tensors() const { return tensors_; }  // sorted by name
  const Safetensor* find(std::string_view name) const;              // null if absent

 private:
  static Result<Safetensors> open_shards(const std::string& folder);
  Result<void> finish();  // sorts; every name once

  std::vector<MappedFile> parts_;
  std::vector<Safetensor> tensors_;
};

// Values [first, first + out.size()) as floats; F64, F32, F16, BF16 only (else kUnsupported).
Result<void> read_floats(const Safetensor& tensor, uint64_t first, std::span<float> out);

}  // namespace hearth::gguf
