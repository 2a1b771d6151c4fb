#include "cli/open_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/log.h"
#include "base/mapped_file.h"
#include "base/usable_cpus.h"
#include "compute/cpu/backend.h"
#include "library/library.h"

namespace hearth::cli {
namespace {

constexpr uint64_t kMaxTemplateBytes = 4u << 20;

Result<compute::KvType> parse_kv_type(const std::string& name) {
  if (name == "f32") return compute::KvType::kF32;
  if (name == "f16") return compute::KvType::kF16;
  if (name == "q8_0") return compute::KvType::kQ8_0;
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("--kv-type: '{}' is none of f32, f16, q8_0", name));
}

int choose_threads(int asked) {
  if (asked <= 0) return usable_physical_cores();
  const int n_cpus = usable_cpus();
  if (asked > n_cpus)
    log_warning("{} threads asked for, {} used: one for each CPU that this process may use", asked,
                n_cpus);
  return std::min(asked, n_cpus);
}

}  // namespace

void add_model_options(CLI::App& command, ModelOptions& options) {
  add_model_and_cache_options(command, options);
  command
      .add_option("-t,--threads", options.n_threads,
                  "threads (default: the physical cores; at most the usable CPUs)")
      ->check(CLI::Range(1, 1024));
}

void add_model_and_cache_options(CLI::App& command, ModelOptions& options) {
  command.add_option("MODEL", options.model, "a GGUF file, or a name in the library")->required();
  command
      .add_option("--ctx", options.n_ctx,
                  "positions of the context (default: the model's, at most 4096)")
      ->check(CLI::Range(1, 1 << 24));
  command.add_option("--kv-type", options.kv_type, "type of the KV cache: f32, f16 or q8_0")
      ->capture_default_str();
}

Result<std::string> find_model_file(const std::string& path_or_name) {
  std::error_code ignored;
  if (std::filesystem::exists(path_or_name, ignored)) return path_or_name;
  const bool is_path = path_or_name.ends_with(".gguf") || path_or_name.starts_with("/") ||
                       path_or_name.starts_with(".");
  if (is_path) return fail(ErrorCode::kNotFound, fmt::format("{}: no such file", path_or_name));
  const library::ModelName name = TRY(library::ModelName::parse(path_or_name));
  const library::Library models(TRY(library::Library::default_home()));
  return TRY(models.find(name))
  .path;
}

Result<std::unique_ptr<gguf::File>> open_model_file(const std::string& path_or_name) {
  const std::string path = TRY(find_model_file(path_or_name));
  return std::make_unique<gguf::File>(TRY(gguf::File::open(path)));
}

Result<OpenModel> open_model_for_numbers(const ModelOptions& options) {
  OpenModel open;
  models::LoadOptions load;
  load.kv_type = TRY(parse_kv_type(options.kv_type));
  load.n_ctx = options.n_ctx;
  load.n_kv_positions = options.n_kv_positions;
  open.file = TRY(open_model_file(options.model));
  open.n_threads = choose_threads(options.n_threads);
  auto model = models::Model::load(*open.file,
                                   compute::make_cpu_backend({.n_threads = open.n_threads}), load);
  if (!model) return fail_at(options.model, std::move(model).error());
  open.model = std::move(*model);
  for (const std::string& path : open.model->backend().slow_paths())
    log_warning("slow path: {}", path);
  return open;
}

Result<OpenModel> open_model(const ModelOptions& options) {
  const auto file = TRY(open_model_file(options.model));
  auto tokenizer = text::Tokenizer::from_gguf(file->metadata());
  if (!tokenizer) return fail_at(options.model, std::move(tokenizer).error());
  OpenModel open = TRY(open_model_for_numbers(options));
  open.tokenizer = std::move(*tokenizer);
  if (open.tokenizer->n_tokens() > open.model->info().n_vocab) {
    return fail(ErrorCode::kInvalidFile,
                fmt::format("{}: the tokenizer has {} tokens, the model's head {}", options.model,
                            open.tokenizer->n_tokens(), open.model->info().n_vocab));
  }
  return open;
}

Result<std::string> read_template_file(const std::string& path) {
  return read_text_file(path, kMaxTemplateBytes);
}

Result<std::string> read_text_file(const std::string& path, uint64_t max_bytes) {
  const MappedFile file = TRY(MappedFile::open(path));
  const auto bytes = file.bytes();
  if (bytes.size() > max_bytes) {
    return fail(ErrorCode::kLimitExceeded,
                fmt::format("{}: {} bytes, at most {} are read", path, bytes.size(), max_bytes));
  }
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

}  // namespace hearth::cli
