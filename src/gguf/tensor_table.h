// Reads the tensor infos of a GGUF file and gives each its bytes.
#pragma once

#include "gguf/byte_reader.h"
#include "gguf/file.h"

namespace hearth::gguf {

// Fewest bytes of an info: name length, one byte of name, n_dims, one dimension, type, offset.
inline constexpr uint64_t kLeastTensorInfoBytes = 8 + 1 + 4 + 8 + 4 + 8;

// Bytes of a tensor of these dimensions (1 to 4, dims[0] the row length). The only place that
// turns a shape into a size: reader, writer and quantizer use it. kInvalidFile: a dimension
// of 0, a row that the type's block does not divide, a size that wraps 64 bits.
Result<uint64_t> checked_tensor_bytes(quant::Type type, std::span<const uint64_t> dims);

// The next n_tensors infos, then the data section of `file`, which starts at the next multiple of
// `alignment`. Tensors may leave gaps, but each lies inside the file and none shares a byte.
Result<std::vector<Tensor>> read_tensors(ByteReader& reader, std::span<const std::byte> file,
                                         uint64_t n_tensors, uint32_t alignment);

// Indices into `tensors`, sorted by name. kInvalidFile for a name that is there twice.
Result<std::vector<uint32_t>> index_by_name(std::span<const Tensor> tensors);

}  // namespace hearth::gguf
