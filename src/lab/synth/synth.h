// Files of random weights in the shape of a real model: what is timed on one is what the real file
// would take, without its gigabytes having to be fetched.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/result.h"
#include "lab/synth/file_type.h"
#include "lab/synth/shape.h"

namespace hearth::lab {

struct SynthOptions {
  const FileType* file_type = find_file_type("Q4_K_M");
  bool is_pure = false;  // see tensor_type()
  uint64_t seed = 1;
  int n_threads = 1;
  // Bytes of tensors so far, and in all; false ends the work with kCancelled. May be empty.
  std::function<bool(uint64_t done, uint64_t total)> on_progress;
};

// Bytes of the tensors, without the header.
uint64_t tensor_bytes(const Shape& shape, const FileType& file_type, bool is_pure);

// Writes `path`, which appears only when complete, replacing what was there. The metadata are those
// of the real file, but for its tokenizer, which is "none". Same shape, type and seed: same bytes,
// for any number of threads. kIo with the numbers where the disk cannot hold it.
Result<void> write_synthetic(const Shape& shape, const std::string& path,
                             const SynthOptions& options);

}  // namespace hearth::lab
