// Any bytes decode in any format, and any floats encode, without undefined behaviour.
// Input: one byte picks the type, the rest is blocks (decode) and, as floats, values (encode).
#include <cstring>
#include <vector>

#include "quant/type.h"

using hearth::quant::TypeInfo;

static void decode_all(const TypeInfo& type, const uint8_t* data, size_t size) {
  const size_t n_blocks = size / type.block_bytes;
  std::vector<float> values(n_blocks * type.block_size);
  type.decode(reinterpret_cast<const std::byte*>(data), n_blocks, values.data());
}

static void encode_all(const TypeInfo& type, const uint8_t* data, size_t size) {
  const size_t n_blocks = size / (type.block_size * sizeof(float));
  std::vector<float> values(n_blocks * type.block_size);
  if (n_blocks > 0) std::memcpy(values.data(), data, values.size() * sizeof(float));
  std::vector<std::byte> blocks(n_blocks * type.block_bytes);
  type.encode(values.data(), n_blocks, blocks.data());
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const auto types = hearth::quant::all_types();
  const TypeInfo& type = types[data[0] % types.size()];
  if (type.decode != nullptr) decode_all(type, data + 1, size - 1);
  if (type.encode != nullptr) encode_all(type, data + 1, size - 1);
  return 0;
}
