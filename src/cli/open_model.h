// From what a user names to a model that can run.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "gguf/file.h"
#include "models/model.h"
#include "text/tokenizer.h"

namespace hearth::cli {

struct ModelOptions {
  std::string model;            // a path or a library name
  int32_t n_ctx = 0;            // 0: the model's default
  int32_t n_kv_positions = 0;   // of all sequences; 0: one context's
  int n_threads = 0;            // 0: the physical cores; more than usable CPUs are cut to those
  std::string kv_type = "f16";  // f32, f16, q8_0
};

// Declares MODEL, --ctx, --kv-type and --threads.
void add_model_options(CLI::App& command, ModelOptions& options);
// The same without --threads.
void add_model_and_cache_options(CLI::App& command, ModelOptions& options);

// The file behind a path or a library name. kNotFound says where it was looked for.
Result<std::string> find_model_file(const std::string& path_or_name);

// The file, mapped; moving an OpenModel leaves it where it is.
Result<std::unique_ptr<gguf::File>> open_model_file(const std::string& path_or_name);

struct OpenModel {
  std::unique_ptr<gguf::File> file;
  std::unique_ptr<text::Tokenizer> tokenizer;
  std::unique_ptr<models::Model> model;
  int n_threads = 0;  // that the model runs on
};

// Loads on the CPU backend; says on stderr what will run on a slow path.
Result<OpenModel> open_model(const ModelOptions& options);

// The same for what reads no text: a file without a tokenizer will do, and `tokenizer` is null.
Result<OpenModel> open_model_for_numbers(const ModelOptions& options);

// A chat template's source.
Result<std::string> read_template_file(const std::string& path);

// A whole file; kIo if it cannot be read, kLimitExceeded beyond max_bytes.
Result<std::string> read_text_file(const std::string& path, uint64_t max_bytes);

}  // namespace hearth::cli
