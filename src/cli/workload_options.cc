#include "cli/workload_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

namespace hearth::cli {
namespace {

// -p 1,16,512: one word, so that MODEL may follow.
void add_list(CLI::App& command, const std::string& name, std::vector<int32_t>& values,
              const std::string& description) {
  command.add_option(name, values, description)
      ->delimiter(',')
      ->allow_extra_args(false)
      ->capture_default_str();
}

}  // namespace

void add_workload_options(CLI::App& command, lab::WorkloadLists& lists) {
  add_list(command, "-p,--prompt", lists.prompts, "prompt tokens; 0: none");
  add_list(command, "-n,--generate", lists.generations, "generated tokens; 0: none");
  add_list(command, "-d,--depth", lists.depths, "tokens in the context before either");
  add_list(command, "-b,--batch", lists.batches,
           "sequences that generate together, each at the depth");
}

Result<void> size_cache(const std::vector<lab::Workload>& works, ModelOptions& model) {
  const lab::CacheNeed need = lab::cache_need(works);
  constexpr int64_t kMost = 1 << 30;
  if (need.n_kv_positions > kMost) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} positions of all sequences together, at most {} are held",
                            need.n_kv_positions, kMost));
  }
  if (model.n_ctx == 0) model.n_ctx = static_cast<int32_t>(need.n_ctx);
  model.n_kv_positions = std::max(model.n_ctx, static_cast<int32_t>(need.n_kv_positions));
  return {};
}

}  // namespace hearth::cli
