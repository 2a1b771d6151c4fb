// The number types that a conversion writes, and what each can hold.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/result.h"
#include "quant/type.h"

namespace hearth::models {

// general.file_type, llama.cpp's numbers. kInvalidArgument for a type that conversion does not
// write.
Result<uint32_t> file_type_number(quant::Type type);

// The type that a tensor gets where `wanted` is asked for: vectors and routers stay F32; F16, with
// a warning, where the rows do not divide into blocks.
quant::Type stored_type(const std::string& name, size_t n_dims, uint64_t row_length,
                        quant::Type wanted);

// kNonFinite, or kUnsupported for what F16 cannot hold; names the tensor and the value.
Result<void> check_values(std::span<const float> values, const std::string& name, quant::Type type);

}  // namespace hearth::models
