// What a name stands for: the blobs of a model, as an OCI image manifest.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "library/digest.h"

namespace hearth::library {

struct Manifest {
  Digest model;  // the GGUF
  uint64_t size_bytes;
  std::string title;  // the file's name when it was imported; may be empty
};

// Bounded: at most 4 MiB and 256 layers, each with a valid digest and size, exactly one of them a
// GGUF.
Result<Manifest> parse_manifest(std::string_view json);
std::string write_manifest(const Manifest& manifest);

}  // namespace hearth::library
