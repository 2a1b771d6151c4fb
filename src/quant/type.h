// The number formats of GGUF tensors: one row a type, and the decode and encode that define each.
//
// A tensor row of n values is n / block_size blocks of block_bytes bytes. Decoding is bit-exact
// with the `gguf` Python package and is the definition that every kernel is tested against.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace hearth::quant {

// Values are GGML's type ids, as stored in files.
enum class Type : uint32_t {
  kF32 = 0,
  kF16 = 1,
  kQ4_0 = 2,
  kQ4_1 = 3,
  kQ5_0 = 6,
  kQ5_1 = 7,
  kQ8_0 = 8,
  kQ2_K = 10,
  kQ3_K = 11,
  kQ4_K = 12,
  kQ5_K = 13,
  kQ6_K = 14,
  kIQ2_XXS = 16,
  kIQ2_XS = 17,
  kIQ3_XXS = 18,
  kIQ1_S = 19,
  kIQ4_NL = 20,
  kIQ3_S = 21,
  kIQ2_S = 22,
  kIQ4_XS = 23,
  kI8 = 24,
  kI16 = 25,
  kI32 = 26,
  kI64 = 27,
  kF64 = 28,
  kIQ1_M = 29,
  kBF16 = 30,
  kTQ1_0 = 34,
  kTQ2_0 = 35,
  kMXFP4 = 39,
};

struct TypeInfo {
  Type type;
  const char* name;      // as GGUF tools print it: "Q4_K", "F16"
  uint32_t block_size;   // values a block
  uint32_t block_bytes;  // bytes a block
  // Decodes n_blocks blocks to n_blocks * block_size floats; null for integer types and F64. Any
  // bytes are a valid block. Neither pointer needs alignment beyond its type's; no overlap.
  void (*decode)(const std::byte* blocks, size_t n_blocks, float* out);
  // Encodes as GGML's reference quantizer does, without an importance matrix; null where we cannot
  // yet. A block with NaN or infinity gets valid but meaningless codes: refuse such values first.
  void (*encode)(const float* values, size_t n_blocks, std::byte* out);
};

// Every type that a file may hold, in order of id.
std::span<const TypeInfo> all_types();

// Row of a type id; null for an id that is not in the table.
const TypeInfo* find_type(uint32_t id);

// Row by name, case-insensitive ("q4_k", "Q4_K"); null if unknown.
const TypeInfo* find_type(std::string_view name);

// Row of a Type, which is always in the table.
const TypeInfo& type_info(Type type);

// Bytes of a row of n_values; nullopt if n_values is no multiple of the block size or the size
// wraps.
std::optional<uint64_t> row_bytes(Type type, uint64_t n_values);

}  // namespace hearth::quant
