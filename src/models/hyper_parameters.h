// The `<architecture>.*` keys of a GGUF file, each with its type and range in one table.
// Names and meanings: ggml-org/ggml docs/gguf.md and the `gguf` Python package's constants.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "gguf/metadata.h"

namespace hearth::models {

enum class Key {
  kVocabSize,
  kBlockCount,
  kContextLength,
  kEmbeddingLength,
  kFeedForwardLength,
  kExpertFeedForwardLength,
  kExpertCount,
  kExpertUsedCount,
  kExpertWeightsScale,
  kExpertWeightsNorm,
  kHeadCount,
  kHeadCountKv,
  kKeyLength,
  kValueLength,
  kRmsEpsilon,
  kLayerNormEpsilon,
  kWindow,
  kWindowPattern,
  kAttentionScale,
  kAttentionSoftcap,
  kLogitSoftcap,
  kLogitScale,
  kResidualScale,
  kEmbeddingScale,
  kRopeDims,
  kRopeBase,
  kRopeWindowBase,
  kRopeScalingType,
  kRopeScalingFactor,
  kRopeScaleLinear,
  kRopeOriginalContext,
  kRopeAttentionFactor,
  kYarnLogMultiplier,
  kYarnExtrapolation,
  kYarnBetaFast,
  kYarnBetaSlow,
};

// "llama.block_count"
std::string key_name(std::string_view architecture, Key key);

class HyperParameters {
 public:
  // kInvalidFile if general.architecture is missing or no string. `metadata` must
  // outlive the object.
  static Result<HyperParameters> open(const gguf::Metadata& metadata);

  const std::string& architecture() const { return architecture_; }
  std::string name(Key key) const { return key_name(architecture_, key); }
  bool has(Key key) const;
  bool is_array(Key key) const;

  // Errors (kInvalidFile) name the key, what was found and what was expected.
  Result<int32_t> count(Key key) const;
  Result<int32_t> count_or(Key key, int32_t fallback) const;
  Result<float> number(Key key) const;
  Result<float> number_or(Key key, float fallback) const;
  Result<bool> flag_or(Key key, bool fallback) const;
  Result<std::string> text_or(Key key, std::string fallback) const;
  // One value a layer, from an array of n_layers or from a scalar.
  Result<std::vector<int32_t>> counts(Key key, int32_t n_layers) const;

 private:
  HyperParameters(const gguf::Metadata& metadata, std::string architecture)
      : metadata_(&metadata), architecture_(std::move(architecture)) {}
  const gguf::Metadata* metadata_;
  std::string architecture_;
};

}  // namespace hearth::models
