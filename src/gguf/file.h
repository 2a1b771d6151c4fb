// A GGUF model file, mapped and validated: every size and offset is checked before this object
// exists. Split files (-00001-of-0000N.gguf) open through their first part and read as one.
// Immutable; any thread may read. Spans and views live as long as the object.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/mapped_file.h"
#include "base/result.h"
#include "gguf/metadata.h"
#include "quant/type.h"

namespace hearth::gguf {

// Dimensions as GGUF stores them: dims[0] is the length of a row, the fastest-varying one.
struct Tensor {
  std::string name;
  quant::Type type;
  int n_dims;                       // 1..4
  std::array<uint64_t, 4> dims;     // unused ones are 1
  std::span<const std::byte> data;  // n_rows() rows of row_bytes(type, row_length()), contiguous

  uint64_t row_length() const { return dims[0]; }
  uint64_t n_rows() const { return dims[1] * dims[2] * dims[3]; }
  uint64_t n_values() const { return n_rows() * row_length(); }
};

class File {
 public:
  static Result<File> open(const std::string& path);

  // The same from memory, one element a part; the bytes stay the caller's and must outlive the
  // File.
  static Result<File> parse(std::span<const std::span<const std::byte>> parts);

  const Metadata& metadata() const { return metadata_; }
  std::span<const Tensor> tensors() const { return tensors_; }  // in the order of the file(s)
  const Tensor* find_tensor(std::string_view name) const;       // null if absent

  uint64_t size_bytes() const { return size_bytes_; }           // of all parts
  std::span<const MappedFile> parts() const { return parts_; }  // none if parsed from memory
  // The part that holds these bytes; null if none does.
  const MappedFile* part_of(std::span<const std::byte> bytes) const;

 private:
  Result<void> add_part(std::span<const std::byte> bytes);  // the first one or the next
  Result<void> finish();                                    // after the last

  std::vector<MappedFile> parts_;
  Metadata metadata_;
  std::vector<Tensor> tensors_;
  std::vector<uint32_t> by_name_;  // indices into tensors_, sorted by name
  uint64_t size_bytes_ = 0;
  size_t n_parts_ = 0;
};

}  // namespace hearth::gguf
