#include "models/convert/target_type.h"

#include <fmt/format.h>

#include <cmath>

#include "base/log.h"

namespace hearth::models {
namespace {

using quant::Type;

constexpr float kLargestHalf = 65504.0f;

}  // namespace

Result<uint32_t> file_type_number(Type type) {
  switch (type) {
    case Type::kF32: return 0;
    case Type::kF16: return 1;
    case Type::kQ8_0: return 7;
    case Type::kBF16: return 32;
    default:
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("conversion to {}: expected f32, f16, bf16 or q8_0",
                              quant::type_info(type).name));
  }
}

Type stored_type(const std::string& name, size_t n_dims, uint64_t row_length, Type wanted) {
  if (n_dims == 1 || name.ends_with(".ffn_gate_inp.weight")) return Type::kF32;
  if (row_length % quant::type_info(wanted).block_size == 0) return wanted;
  log_warning("{}: rows of {} are no multiple of 32; kept as F16", name, row_length);
  return Type::kF16;
}

Result<void> check_values(std::span<const float> values, const std::string& name, Type type) {
  for (const float value : values) {
    if (!std::isfinite(value))
      return fail(ErrorCode::kNonFinite,
                  fmt::format("tensor '{}' holds {}, expected finite numbers", name, value));
    if (type == Type::kF16 && std::abs(value) > kLargestHalf)
      return fail(
          ErrorCode::kUnsupported,
          fmt::format("tensor '{}' holds {}, which F16 cannot; convert to bf16", name, value));
  }
  return {};
}

}  // namespace hearth::models
