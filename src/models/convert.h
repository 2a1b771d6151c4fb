// Hugging Face folders to GGUF files, with the keys and names that llama.cpp writes; GGUF files to
// GGUF files of another number type.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/result.h"
#include "quant/type.h"

namespace hearth::models {

struct ConvertOptions {
  quant::Type type = quant::Type::kF16;  // kF32, kF16, kBF16 or kQ8_0
  // Bytes of source tensors read so far, and in all. May be empty.
  std::function<void(uint64_t done, uint64_t total)> on_progress;
};

// Reads config.json, *.safetensors and, where present, tokenizer.model, tokenizer.json,
// tokenizer_config.json, generation_config.json and chat_template.jinja of folder `dir`; writes
// `out`, which appears only when complete and is loadable. Vectors and routers stay F32; kQ8_0
// falls back to F16, with a warning, where 32 does not divide the rows. Memory: a few MiB beside
// the mapped files. Settings that Hearth does not know are errors that name them.
Result<void> convert_hf(const std::string& dir, const std::string& out,
                        const ConvertOptions& options);

// The model of a GGUF file (split ones too) in another number type: its weights as they decode, its
// metadata as it is but for general.file_type. Vectors, routers and odd rows as above.
Result<void> convert_gguf(const std::string& path, const std::string& out,
                          const ConvertOptions& options);

}  // namespace hearth::models
