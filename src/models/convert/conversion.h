// A Hugging Face checkpoint on its way into a GGUF file: what a family says about keys and tensor
// names, and what comes of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "gguf/safetensors.h"
#include "gguf/writer.h"
#include "models/convert/hf_config.h"
#include "models/hyper_parameters.h"

namespace hearth::models {

// How a tensor's values change on the way.
enum class Change {
  kNone,
  kAddOne,  // Gemma: checkpoints store a norm's weight less 1
  kPairQ,   // rows of each head reordered from halves (i, i + n/2) to pairs (2i, 2i + 1)
  kPairKv,  // the same with n_kv_heads heads
};

// A tensor of the GGUF file: one source, or one an expert, stacked.
struct PlannedTensor {
  std::string name;
  std::vector<const gguf::Safetensor*> sources;
  std::vector<float> values;    // where there is no source
  std::vector<uint64_t> shape;  // slowest first
  Change change = Change::kNone;
  int32_t n_heads = 0;  // of kPairQ, kPairKv
};

class Conversion {
 public:
  Conversion(std::string_view architecture, HfConfig config, gguf::Writer& writer)
      : architecture_(architecture), config_(std::move(config)), writer_(writer) {}

  const HfConfig& config() const { return config_; }
  void set_count(Key key, int64_t value);
  void set_number(Key key, double value);
  void set_text(Key key, std::string_view value);
  void set_flag(Key key, bool value);
  void set_flags(Key key, const std::vector<bool>& values);

  // Names without `.weight` and `.bias`; `*` is the layer's number and `#` the expert's:
  // ("model.layers.*.mlp.experts.#.up_proj", "blk.*.ffn_up_exps"). A later rule for a name
  // replaces an earlier one.
  void rename(std::string_view hf, std::string_view gguf, Change change = Change::kNone);
  void ignore(std::string_view prefix) { ignored_.emplace_back(prefix); }
  void require(std::string_view gguf_name) { required_.emplace_back(gguf_name); }
  // Taken off the checkpoint's names before anything else.
  void strip(std::string_view prefix) { stripped_.emplace_back(prefix); }
  void add_tensor(std::string name, std::vector<float> values);
  void set_heads(int32_t n_heads, int32_t n_kv_heads);

  // Every tensor of the checkpoint under its new name, in order of layer. An error for one that no
  // rule names, and for a layer beyond the config's.
  Result<std::vector<PlannedTensor>> plan(const gguf::Safetensors& checkpoint) const;

 private:
  struct Rule {
    std::string hf, gguf;
    Change change;
  };
  struct Match {
    const Rule* rule;
    int32_t layer = -1, expert = -1;
    std::string name;  // in the GGUF file
  };
  bool is_ignored(std::string_view name) const;
  std::string_view stripped(std::string_view name) const;
  Result<Match> match(std::string_view name) const;
  Result<void> place(const gguf::Safetensor& source, const Match& match,
                     std::vector<PlannedTensor>& plan) const;

  std::string architecture_;
  HfConfig config_;
  gguf::Writer& writer_;
  std::vector<Rule> rules_;
  std::vector<std::string> ignored_, stripped_, required_;
  std::vector<PlannedTensor> added_;
  int32_t n_heads_ = 0, n_kv_heads_ = 0;
};

}  // namespace hearth::models
