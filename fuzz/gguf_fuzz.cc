// The input is a GGUF file. It loads or is refused; what loads keeps every promise of gguf::File.
#include "base/check.h"
#include "tests/gguf/read_everything.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span<const std::byte> part = std::as_bytes(std::span(data, size));
  const auto file = hearth::gguf::File::parse({&part, 1});
  if (file) {
    hearth::gguf::read_everything(*file, {&part, 1});
  } else {
    CHECK(!file.error().message.empty());
  }
  return 0;
}
