// What a model file may ask of us. Everything here is far above what real models need (the largest
// seen have about 100 keys, 100,000 tensors and names of 60 bytes) and far below what would hurt.
#pragma once

#include <cstdint>

namespace hearth::gguf {

inline constexpr uint64_t kMaxEntries = 65'536;         // metadata keys a file
inline constexpr uint64_t kMaxTensors = 1'048'576;      // a file
inline constexpr uint64_t kMaxParts = 10'000;           // of a split model
inline constexpr uint64_t kMaxKeyBytes = 65'535;        // as the specification says
inline constexpr uint64_t kMaxTensorNameBytes = 127;    // GGML itself stops at 63
inline constexpr uint64_t kMaxArrayTextBytes = 65'536;  // one text of a string array: a token
inline constexpr uint32_t kMinAlignment = 8;
inline constexpr uint32_t kMaxAlignment = 65'536;
inline constexpr uint32_t kDefaultAlignment = 32;
inline constexpr uint64_t kMaxCheckpointNameBytes = 1'024;  // of a safetensors tensor
inline constexpr uint64_t kMaxCheckpointDims = 8;
inline constexpr uint64_t kMaxJsonBytes = 100'000'000;  // a safetensors header or index

}  // namespace hearth::gguf
