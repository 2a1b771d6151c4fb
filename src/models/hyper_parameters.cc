#include "models/hyper_parameters.h"

#include <fmt/format.h>

#include <iterator>

#include "base/check.h"

namespace hearth::models {
namespace {

struct KeyRow {
  Key key;
  const char* suffix;
  double least, most;  // of numbers; flags and texts have no range
};

// In the order of Key. Bounds are wide beside real models and small enough that every size made
// from them fits 63 bits.
constexpr KeyRow kKeys[] = {
    {Key::kVocabSize, "vocab_size", 1, 1 << 30},
    {Key::kBlockCount, "block_count", 1, 512},
    {Key::kContextLength, "context_length", 1, 1 << 30},
    {Key::kEmbeddingLength, "embedding_length", 1, 1 << 17},
    {Key::kFeedForwardLength, "feed_forward_length", 1, 1 << 20},
    {Key::kExpertFeedForwardLength, "expert_feed_forward_length", 1, 1 << 20},
    {Key::kExpertCount, "expert_count", 0, 1024},
    {Key::kExpertUsedCount, "expert_used_count", 0, 1024},
    {Key::kExpertWeightsScale, "expert_weights_scale", 0, 1e4},
    {Key::kExpertWeightsNorm, "expert_weights_norm", 0, 0},
    {Key::kHeadCount, "attention.head_count", 1, 4096},
    {Key::kHeadCountKv, "attention.head_count_kv", 1, 4096},
    {Key::kKeyLength, "attention.key_length", 2, 4096},
    {Key::kValueLength, "attention.value_length", 2, 4096},
    {Key::kRmsEpsilon, "attention.layer_norm_rms_epsilon", 0, 0.5},
    {Key::kLayerNormEpsilon, "attention.layer_norm_epsilon", 0, 0.5},
    {Key::kWindow, "attention.sliding_window", 0, 1 << 30},
    {Key::kWindowPattern, "attention.sliding_window_pattern", 0, 512},
    {Key::kAttentionScale, "attention.scale", 1e-6, 1e3},
    {Key::kAttentionSoftcap, "attn_logit_softcapping", 0, 1e6},
    {Key::kLogitSoftcap, "final_logit_softcapping", 0, 1e6},
    {Key::kLogitScale, "logit_scale", 1e-6, 1e6},
    {Key::kResidualScale, "residual_scale", 1e-6, 1e6},
    {Key::kEmbeddingScale, "embedding_scale", 1e-6, 1e6},
    {Key::kRopeDims, "rope.dimension_count", 2, 4096},
    {Key::kRopeBase, "rope.freq_base", 2, 1e12},
    {Key::kRopeWindowBase, "rope.freq_base_swa", 2, 1e12},
    {Key::kRopeScalingType, "rope.scaling.type", 0, 0},
    {Key::kRopeScalingFactor, "rope.scaling.factor", 0, 1e6},
    {Key::kRopeScaleLinear, "rope.scale_linear", 0, 1e6},
    {Key::kRopeOriginalContext, "rope.scaling.original_context_length", 1, 1 << 30},
    {Key::kRopeAttentionFactor, "rope.scaling.attn_factor", 1e-6, 1e6},
    {Key::kYarnLogMultiplier, "rope.scaling.yarn_log_multiplier", 0, 1e3},
    {Key::kYarnExtrapolation, "rope.scaling.yarn_ext_factor", 0, 1},
    {Key::kYarnBetaFast, "rope.scaling.yarn_beta_fast", 1e-3, 1e6},
    {Key::kYarnBetaSlow, "rope.scaling.yarn_beta_slow", 1e-3, 1e6},
};

constexpr bool is_in_order() {
  for (size_t i = 0; i < std::size(kKeys); ++i)
    if (static_cast<size_t>(kKeys[i].key) != i) return false;
  return true;
}
static_assert(is_in_order());

const KeyRow& row_of(Key key) { return kKeys[static_cast<size_t>(key)]; }

std::unexpected<Error> missing(const std::string& name, const std::string& expected) {
  return fail(ErrorCode::kInvalidFile,
              fmt::format("metadata key '{}' is missing, wanted {}", name, expected));
}

}  // namespace

Result<HyperParameters> HyperParameters::open(const gguf::Metadata& metadata) {
  if (!metadata.has("general.architecture"))
    return missing("general.architecture", "the name of one");
  const std::string_view architecture = TRY(metadata.get_string("general.architecture"));
  return HyperParameters(metadata, std::string(architecture));
}

std::string key_name(std::string_view architecture, Key key) {
  return fmt::format("{}.{}", architecture, row_of(key).suffix);
}

bool HyperParameters::has(Key key) const { return metadata_->has(name(key)); }

bool HyperParameters::is_array(Key key) const {
  const gguf::Value* value = metadata_->find(name(key));
  return value && value->type == gguf::ValueType::kArray;
}

Result<int32_t> HyperParameters::count(Key key) const {
  const KeyRow& row = row_of(key);
  if (!has(key)) return missing(name(key), fmt::format("{} to {}", row.least, row.most));
  return static_cast<int32_t>(TRY(metadata_->get_uint(name(key), static_cast<uint64_t>(row.least),
                                                      static_cast<uint64_t>(row.most))));
}

Result<int32_t> HyperParameters::count_or(Key key, int32_t fallback) const {
  if (!has(key)) return fallback;
  return count(key);
}

Result<float> HyperParameters::number(Key key) const {
  const KeyRow& row = row_of(key);
  if (!has(key)) return missing(name(key), fmt::format("{} to {}", row.least, row.most));
  return static_cast<float>(TRY(metadata_->get_float(name(key), row.least, row.most)));
}

Result<float> HyperParameters::number_or(Key key, float fallback) const {
  if (!has(key)) return fallback;
  return number(key);
}

Result<bool> HyperParameters::flag_or(Key key, bool fallback) const {
  return metadata_->get_bool_or(name(key), fallback);
}

Result<std::string> HyperParameters::text_or(Key key, std::string fallback) const {
  return std::string(TRY(metadata_->get_string_or(name(key), fallback)));
}

Result<std::vector<int32_t>> HyperParameters::counts(Key key, int32_t n_layers) const {
  const auto n = static_cast<size_t>(n_layers);
  if (!is_array(key)) return std::vector<int32_t>(n, TRY(count(key)));
  const KeyRow& row = row_of(key);
  const std::vector<int64_t> found = TRY(metadata_->get_ints(name(key)));
  if (found.size() != n)
    return fail(ErrorCode::kInvalidFile,
                fmt::format("key '{}' has {} values, expected {}: one a layer", name(key),
                            found.size(), n_layers));
  std::vector<int32_t> result;
  for (const int64_t v : found) {
    if (static_cast<double>(v) < row.least || static_cast<double>(v) > row.most)
      return fail(ErrorCode::kInvalidFile,
                  fmt::format("key '{}' holds {}, expected values from {} to {}", name(key), v,
                              row.least, row.most));
    result.push_back(static_cast<int32_t>(v));
  }
  return result;
}

}  // namespace hearth::models
