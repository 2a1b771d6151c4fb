// The first byte chooses what the rest is: a safetensors file, or an index of shards. It reads or
// is refused; what reads keeps every promise of gguf::Safetensors.
#include "base/check.h"
#include "gguf/safetensors.h"
#include "gguf/safetensors_json.h"

namespace {

using hearth::gguf::Safetensor;

void read_file(std::span<const std::byte> bytes) {
  const auto file = hearth::gguf::Safetensors::parse(bytes);
  if (!file) return CHECK(!file.error().message.empty());
  for (const Safetensor& tensor : file->tensors()) {
    CHECK(file->find(tensor.name) == &tensor);
    CHECK(tensor.data.empty() ||
          (tensor.data.data() >= bytes.data() &&
           tensor.data.data() + tensor.data.size() <= bytes.data() + bytes.size()));
    std::vector<float> values(tensor.n_values());
    CHECK(hearth::gguf::read_floats(tensor, 0, values) ||
          tensor.type > hearth::gguf::SafetensorType::kBF16);
  }
}

void read_index(std::string_view json) {
  const auto index = hearth::gguf::parse_safetensors_index(json);
  if (!index) return CHECK(!index.error().message.empty());
  for (const auto& [tensor, file] : *index) {
    CHECK(!tensor.empty() && file.find('/') == std::string::npos && !file.starts_with('.'));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const auto rest = std::as_bytes(std::span(data + 1, size - 1));
  if (data[0] % 4 == 0) {
    read_index({reinterpret_cast<const char*>(rest.data()), rest.size()});
  } else {
    read_file(rest);
  }
  return 0;
}
