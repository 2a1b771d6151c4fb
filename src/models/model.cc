#include "models/model.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/checked_math.h"
#include "base/log.h"
#include "base/progress.h"
#include "models/available_memory.h"
#include "models/builder.h"
#include "models/registry.h"
#include "models/weights.h"

namespace hearth::models {
namespace {

constexpr int32_t kMaxContext = 1 << 30;
constexpr int32_t kDefaultContext = 4096;
constexpr int32_t kMaxRows = 1 << 16;
constexpr uint64_t kHuge = uint64_t{1}
                           << 62;  // more than any machine has, and still to be added to

// A model's program and sizes, found without adding a weight.
struct Plan {
  Recipe recipe;
  ModelInfo info;
  MemoryNeed need;
  compute::KvConfig kv;
};

int32_t whole_blocks(int32_t n_positions) {
  return compute::kv_blocks_for(n_positions) * compute::kKvBlockTokens;
}

Result<int32_t> choose_context(const Recipe& recipe, const LoadOptions& options) {
  if (options.n_ctx < 0 || options.n_ctx > kMaxContext)
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("a context of {} tokens, expected 1 to {}, or 0 for the default",
                            options.n_ctx, kMaxContext));
  if (options.max_rows < 1 || options.max_rows > kMaxRows)
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("steps of {} rows, expected 1 to {}", options.max_rows, kMaxRows));
  const int32_t wanted =
      options.n_ctx > 0 ? options.n_ctx : std::min(recipe.trained_context, kDefaultContext);
  return whole_blocks(wanted);
}

Result<int32_t> choose_kv_positions(int32_t n_ctx, const LoadOptions& options) {
  if (options.n_kv_positions < 0 || options.n_kv_positions > kMaxContext)
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("a KV cache of {} positions, expected 1 to {}, or 0 for the context's",
                            options.n_kv_positions, kMaxContext));
  return options.n_kv_positions > 0 ? whole_blocks(options.n_kv_positions) : n_ctx;
}

Result<void> check_vocabulary(const gguf::File& file, int32_t n_vocab) {
  const gguf::Value* tokens = file.metadata().find("tokenizer.ggml.tokens");
  if (!tokens) return {};
  const size_t n_tokens = TRY(file.metadata().get_strings("tokenizer.ggml.tokens"))
  .size();
  if (n_tokens <= static_cast<size_t>(n_vocab)) return {};
  return fail(ErrorCode::kInvalidFile,
              fmt::format("key 'tokenizer.ggml.tokens' has {} tokens, but 'token_embd.weight' rows "
                          "for {}",
                          n_tokens, n_vocab));
}

// Two f32 copies of every buffer: the backend's own, and what kernels make of it on the way.
uint64_t compute_bytes(const compute::Program& program, int32_t max_rows) {
  uint64_t width = 0;
  for (const int32_t w : program.buffer_widths) width += static_cast<uint64_t>(w);
  return 2 * sizeof(float) * width * static_cast<uint64_t>(max_rows) +
         sizeof(float) * static_cast<uint64_t>(program.n_vocab);
}

uint64_t parameter_count(const gguf::File& file) {
  uint64_t n = 0;
  for (const gguf::Tensor& tensor : file.tensors()) n += tensor.n_values();
  return n;
}

ModelInfo describe(const gguf::File& file, const HyperParameters& keys, const Recipe& recipe) {
  ModelInfo info;
  info.architecture = keys.architecture();
  info.name = file.metadata().get_string_or("general.name", "").value_or("");
  info.n_layers = static_cast<int32_t>(recipe.layers.size());
  info.n_embd = recipe.n_embd;
  info.trained_context = recipe.trained_context;
  info.n_parameters = parameter_count(file);
  return info;
}

// What a row takes, for figures of speed.
void describe_work(const Built& built, Plan& plan) {
  ModelInfo& info = plan.info;
  uint64_t most = 0;
  for (const auto& [type, macs] : built.layer_macs_per_token) {
    info.layer_macs_per_row += macs;
    if (macs > most) info.main_weight_type = type;
    most = std::max(most, macs);
  }
  info.head_macs_per_row = static_cast<uint64_t>(info.n_embd) * static_cast<uint64_t>(info.n_vocab);
  for (size_t i = 0; i < plan.kv.layers.size(); ++i) {
    info.kv_reaches.push_back(
        {compute::Backend::kv_position_bytes(plan.kv.type, plan.kv.layers[i]),
         i < plan.recipe.layers.size() ? plan.recipe.layers[i].attention.window : 0});
  }
}

Result<Plan> make_plan(const gguf::File& file, const compute::Backend& backend,
                       const LoadOptions& options) {
  const HyperParameters keys = TRY(HyperParameters::open(file.metadata()));
  const Family* family = TRY(find_family(keys.architecture()));
  Plan plan;
  plan.recipe = TRY(family->read(keys));
  plan.info = describe(file, keys, plan.recipe);
  plan.info.n_ctx = TRY(choose_context(plan.recipe, options));
  plan.info.n_kv_positions = TRY(choose_kv_positions(plan.info.n_ctx, options));

  Weights weights(file, &backend, nullptr);
  Built built = TRY(build_program(plan.recipe, plan.info.n_ctx, weights));
  TRY(check_vocabulary(file, built.program.n_vocab));
  plan.kv = {options.kv_type, std::move(built.kv_layers),
             plan.info.n_kv_positions / compute::kKvBlockTokens};
  const uint64_t block_bytes = compute::Backend::kv_block_bytes(plan.kv);
  plan.info.n_vocab = built.program.n_vocab;
  plan.info.weight_bytes_per_token = weights.totals().bytes_per_token;
  plan.info.kv_bytes_per_position = block_bytes / compute::kKvBlockTokens;
  describe_work(built, plan);
  plan.need = {weights.totals().bytes,
               checked_mul(block_bytes, static_cast<uint64_t>(plan.kv.n_blocks)).value_or(kHuge),
               compute_bytes(built.program, options.max_rows)};
  return plan;
}

Result<void> check_memory(const Plan& plan, uint64_t available) {
  const MemoryNeed& need = plan.need;
  if (need.total() <= available) return {};
  const uint64_t fixed = need.weight_bytes + need.compute_bytes;
  const uint64_t block = plan.info.kv_bytes_per_position * compute::kKvBlockTokens;
  const uint64_t n_fitting =
      fixed < available && block > 0 ? (available - fixed) / block * compute::kKvBlockTokens : 0;
  const bool is_shared = plan.info.n_kv_positions > plan.info.n_ctx;
  const std::string advice = n_fitting == 0 ? "try a smaller model or fewer bits per weight"
                             : is_shared    ? "try fewer or shorter sequences"
                                            : fmt::format("try --ctx {}", n_fitting);
  return fail(ErrorCode::kOutOfMemory,
              fmt::format("the model needs {} (weights {}, context of {} tokens {}, compute {}), "
                          "{} are available; {}",
                          format_bytes(need.total()), format_bytes(need.weight_bytes),
                          plan.info.n_kv_positions, format_bytes(need.kv_bytes),
                          format_bytes(need.compute_bytes), format_bytes(available), advice));
}

// What a person can do about a file that breaks its own rules.
std::unexpected<Error> with_advice(Error error) {
  if (error.code == ErrorCode::kInvalidFile)
    error.message += "; the file is damaged or incomplete: fetch or convert it again";
  return std::unexpected(std::move(error));
}

}  // namespace

uint64_t ModelInfo::kv_bytes_read(int64_t n_positions) const {
  uint64_t bytes = 0;
  for (const KvReach& reach : kv_reaches) {
    const int64_t n = reach.window > 0 ? std::min<int64_t>(reach.window, n_positions) : n_positions;
    bytes += reach.bytes_per_position * static_cast<uint64_t>(n);
  }
  return bytes;
}

Result<MemoryNeed> Model::memory_need(const gguf::File& file, const compute::Backend& backend,
                                      const LoadOptions& options) {
  auto plan = make_plan(file, backend, options);
  if (!plan) return with_advice(std::move(plan).error());
  return plan->need;
}

Result<std::unique_ptr<Model>> Model::load(const gguf::File& file,
                                           std::unique_ptr<compute::Backend> backend,
                                           const LoadOptions& options) {
  auto planned = make_plan(file, *backend, options);
  if (!planned) return with_advice(std::move(planned).error());
  Plan plan = std::move(*planned);
  TRY(check_memory(plan,
                   options.memory_bytes > 0 ? options.memory_bytes : available_memory_bytes()));
  if (options.n_ctx > plan.recipe.trained_context)
    log_warning(
        "a context of {} tokens is beyond the {} that the model was trained with; answers "
        "may suffer",
        options.n_ctx, plan.recipe.trained_context);
  auto model = std::unique_ptr<Model>(new Model());
  Weights weights(file, backend.get(), backend.get());
  Built built = TRY(build_program(plan.recipe, plan.info.n_ctx, weights));
  model->work_ =
      compute::StepWork(built.program, plan.kv, weights.take_matrices(), weights.take_tables());
  TRY(backend->prepare(std::move(built.program), plan.kv, options.max_rows));
  // What was read once, above all the tokens' texts.
  for (const MappedFile& part : file.parts()) part.advise_done(0, part.bytes().size());
  model->info_ = std::move(plan.info);
  model->max_rows_ = options.max_rows;
  model->owned_ = weights.take_owned();
  model->backend_ = std::move(backend);
  return model;
}

Result<void> Model::run(const compute::Batch& batch, std::span<float> logits) {
  return backend_->run(batch, logits);
}

Result<compute::StepProfile> Model::profile(const compute::Batch& batch, std::span<float> logits) {
  return work_.describe(batch, TRY(backend_->run_timed(batch, logits)));
}

}  // namespace hearth::models
