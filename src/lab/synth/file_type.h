// What llama.cpp's quantizer calls a file type: one number format for most tensors and, by rules of
// its own, another for those that suffer most. A file of a type must have these very formats to be
// timed as the real one would be.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "lab/synth/shape.h"
#include "lab/synth/tensors.h"
#include "quant/type.h"

namespace hearth::lab {

// Values are llama.cpp's, as general.file_type stores them.
enum class FileTypeId : uint32_t {
  kF32 = 0,
  kF16 = 1,
  kQ4_0 = 2,
  kQ4_1 = 3,
  kQ8_0 = 7,
  kQ5_0 = 8,
  kQ5_1 = 9,
  kQ2_K = 10,
  kQ3_K_S = 11,
  kQ3_K_M = 12,
  kQ3_K_L = 13,
  kQ4_K_S = 14,
  kQ4_K_M = 15,
  kQ5_K_S = 16,
  kQ5_K_M = 17,
  kQ6_K = 18,
  kIQ2_XXS = 19,
  kIQ2_XS = 20,
  kIQ3_XXS = 23,
  kIQ1_S = 24,
  kIQ4_NL = 25,
  kIQ3_S = 26,
  kIQ2_S = 28,
  kIQ2_M = 29,
  kIQ4_XS = 30,
  kIQ1_M = 31,
  kBF16 = 32,
  kTQ1_0 = 36,
  kTQ2_0 = 37,
  kMXFP4_MOE = 38,
};

struct FileType {
  FileTypeId id;
  std::string_view name;
  quant::Type base;  // of the tensors that no rule names
};

std::span<const FileType> all_file_types();

// Case-insensitive; "Q3_K", "Q4_K", "Q5_K" are their _M, "MXFP4" is MXFP4_MOE, as in llama.cpp.
// Null if unknown.
const FileType* find_file_type(std::string_view name);

// The format of a tensor. Norms, the router and the rotary divisors are F32. pure: every matrix is
// of the base type, but where it does not divide the rows.
quant::Type tensor_type(const FileType& file_type, bool pure, const Shape& shape,
                        const PlannedTensor& tensor);

}  // namespace hearth::lab
