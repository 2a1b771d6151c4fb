#include "quant/type.h"

#include <algorithm>

#include "base/check.h"
#include "base/checked_math.h"

namespace hearth::quant {

using Decode = void(const std::byte* blocks, size_t n_blocks, float* out);
using Encode = void(const float* values, size_t n_blocks, std::byte* out);

// Defined in the file of each format.
Decode decode_f32, decode_f16, decode_bf16;
Encode encode_f32, encode_f16, encode_bf16;
Decode decode_q4_0, decode_q4_1, decode_q5_0, decode_q5_1, decode_q8_0;
Encode encode_q4_0, encode_q4_1, encode_q8_0;
Decode decode_q2_k, decode_q3_k, decode_q4_k, decode_q5_k, decode_q6_k;
Decode decode_iq1_s, decode_iq1_m, decode_iq2_xxs, decode_iq2_xs, decode_iq2_s;
Decode decode_iq3_xxs, decode_iq3_s, decode_iq4_nl, decode_iq4_xs;
Decode decode_tq1_0, decode_tq2_0, decode_mxfp4;

namespace {

constexpr TypeInfo kTypes[] = {
    {Type::kF32, "F32", 1, 4, decode_f32, encode_f32},
    {Type::kF16, "F16", 1, 2, decode_f16, encode_f16},
    {Type::kQ4_0, "Q4_0", 32, 18, decode_q4_0, encode_q4_0},
    {Type::kQ4_1, "Q4_1", 32, 20, decode_q4_1, encode_q4_1},
    {Type::kQ5_0, "Q5_0", 32, 22, decode_q5_0, nullptr},
    {Type::kQ5_1, "Q5_1", 32, 24, decode_q5_1, nullptr},
    {Type::kQ8_0, "Q8_0", 32, 34, decode_q8_0, encode_q8_0},
    {Type::kQ2_K, "Q2_K", 256, 84, decode_q2_k, nullptr},
    {Type::kQ3_K, "Q3_K", 256, 110, decode_q3_k, nullptr},
    {Type::kQ4_K, "Q4_K", 256, 144, decode_q4_k, nullptr},
    {Type::kQ5_K, "Q5_K", 256, 176, decode_q5_k, nullptr},
    {Type::kQ6_K, "Q6_K", 256, 210, decode_q6_k, nullptr},
    {Type::kIQ2_XXS, "IQ2_XXS", 256, 66, decode_iq2_xxs, nullptr},
    {Type::kIQ2_XS, "IQ2_XS", 256, 74, decode_iq2_xs, nullptr},
    {Type::kIQ3_XXS, "IQ3_XXS", 256, 98, decode_iq3_xxs, nullptr},
    {Type::kIQ1_S, "IQ1_S", 256, 50, decode_iq1_s, nullptr},
    {Type::kIQ4_NL, "IQ4_NL", 32, 18, decode_iq4_nl, nullptr},
    {Type::kIQ3_S, "IQ3_S", 256, 110, decode_iq3_s, nullptr},
    {Type::kIQ2_S, "IQ2_S", 256, 82, decode_iq2_s, nullptr},
    {Type::kIQ4_XS, "IQ4_XS", 256, 136, decode_iq4_xs, nullptr},
    {Type::kI8, "I8", 1, 1, nullptr, nullptr},
    {Type::kI16, "I16", 1, 2, nullptr, nullptr},
    {Type::kI32, "I32", 1, 4, nullptr, nullptr},
    {Type::kI64, "I64", 1, 8, nullptr, nullptr},
    {Type::kF64, "F64", 1, 8, nullptr, nullptr},
    {Type::kIQ1_M, "IQ1_M", 256, 56, decode_iq1_m, nullptr},
    {Type::kBF16, "BF16", 1, 2, decode_bf16, encode_bf16},
    {Type::kTQ1_0, "TQ1_0", 256, 54, decode_tq1_0, nullptr},
    {Type::kTQ2_0, "TQ2_0", 256, 66, decode_tq2_0, nullptr},
    {Type::kMXFP4, "MXFP4", 32, 17, decode_mxfp4, nullptr},
};
static_assert(std::ranges::is_sorted(kTypes, {}, &TypeInfo::type));

char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

}  // namespace

std::span<const TypeInfo> all_types() { return kTypes; }

const TypeInfo* find_type(uint32_t id) {
  const auto row = std::ranges::lower_bound(kTypes, static_cast<Type>(id), {}, &TypeInfo::type);
  return row != std::end(kTypes) && row->type == static_cast<Type>(id) ? row : nullptr;
}

const TypeInfo* find_type(std::string_view name) {
  for (const TypeInfo& row : kTypes) {
    if (std::ranges::equal(name, std::string_view(row.name), {}, upper, upper)) return &row;
  }
  return nullptr;
}

const TypeInfo& type_info(Type type) {
  const TypeInfo* row = find_type(static_cast<uint32_t>(type));
  CHECK(row != nullptr);
  return *row;
}

std::optional<uint64_t> row_bytes(Type type, uint64_t n_values) {
  const TypeInfo& row = type_info(type);
  if (n_values % row.block_size != 0) return std::nullopt;
  return checked_mul<uint64_t>(n_values / row.block_size, row.block_bytes);
}

}  // namespace hearth::quant
