#include "models/convert/conversion.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <numeric>

#include "gguf/quote.h"

namespace hearth::models {
namespace {

constexpr int32_t kMaxExperts = 1024;
constexpr int32_t kMaxLayers = 512;

// A number of at most 4 digits without a leading zero.
std::optional<int32_t> parse_index(std::string_view text) {
  int32_t value = 0;
  if (text.empty() || text.size() > 4 || (text.size() > 1 && text[0] == '0')) return {};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return {};
  return value;
}

std::string_view next_part(std::string_view& rest) {
  const size_t dot = std::min(rest.find('.'), rest.size());
  const std::string_view part = rest.substr(0, dot);
  rest.remove_prefix(std::min(dot + 1, rest.size()));
  return part;
}

struct Indices {
  int32_t layer = -1, expert = -1;
};

std::optional<Indices> match_pattern(std::string_view pattern, std::string_view name) {
  Indices found;
  while (!pattern.empty() && !name.empty()) {
    const std::string_view wanted = next_part(pattern), part = next_part(name);
    if (wanted != "*" && wanted != "#") {
      if (wanted != part) return {};
      continue;
    }
    const auto index = parse_index(part);
    if (!index) return {};
    (wanted == "*" ? found.layer : found.expert) = *index;
  }
  return pattern.empty() && name.empty() ? std::optional(found) : std::nullopt;
}

std::string with_layer(std::string pattern, int32_t layer) {
  const size_t at = pattern.find('*');
  return at == std::string::npos ? pattern : pattern.replace(at, 1, std::to_string(layer));
}

}  // namespace

void Conversion::set_count(Key key, int64_t value) {
  writer_.set_uint32(key_name(architecture_, key), static_cast<uint32_t>(value));
}
void Conversion::set_number(Key key, double value) {
  writer_.set_float32(key_name(architecture_, key), static_cast<float>(value));
}
void Conversion::set_text(Key key, std::string_view value) {
  writer_.set_string(key_name(architecture_, key), value);
}
void Conversion::set_flag(Key key, bool value) {
  writer_.set_bool(key_name(architecture_, key), value);
}
void Conversion::set_flags(Key key, const std::vector<bool>& values) {
  writer_.set_bools(key_name(architecture_, key), values);
}

void Conversion::rename(std::string_view hf, std::string_view gguf, Change change) {
  std::erase_if(rules_, [&](const Rule& rule) { return rule.hf == hf; });
  rules_.push_back({std::string(hf), std::string(gguf), change});
}

void Conversion::add_tensor(std::string name, std::vector<float> values) {
  PlannedTensor tensor;
  tensor.name = std::move(name);
  tensor.shape = {values.size()};
  tensor.values = std::move(values);
  added_.push_back(std::move(tensor));
}

void Conversion::set_heads(int32_t n_heads, int32_t n_kv_heads) {
  n_heads_ = n_heads;
  n_kv_heads_ = n_kv_heads;
}

bool Conversion::is_ignored(std::string_view name) const {
  if (name.ends_with(".rotary_emb.inv_freq")) return true;  // old checkpoints: computed from config
  return std::ranges::any_of(ignored_,
                             [&](const auto& prefix) { return name.starts_with(prefix); });
}

std::string_view Conversion::stripped(std::string_view name) const {
  for (const std::string& prefix : stripped_)
    if (name.starts_with(prefix)) return name.substr(prefix.size());
  return name;
}

Result<Conversion::Match> Conversion::match(std::string_view name) const {
  const size_t dot = name.rfind('.');
  const std::string_view stem = name.substr(0, dot);
  const std::string_view suffix = dot == std::string_view::npos ? "" : name.substr(dot);
  if (suffix == ".weight" || suffix == ".bias") {
    for (const Rule& rule : rules_) {
      const auto found = match_pattern(rule.hf, stem);
      if (!found || found->layer >= kMaxLayers || found->expert >= kMaxExperts) continue;
      return Match{&rule, found->layer, found->expert,
                   with_layer(rule.gguf, found->layer) + std::string(suffix)};
    }
  }
  return fail(ErrorCode::kUnsupported,
              fmt::format("tensor {} is none that '{}' has", gguf::quote(name), architecture_));
}

Result<void> Conversion::place(const gguf::Safetensor& source, const Match& found,
                               std::vector<PlannedTensor>& plan) const {
  if (source.shape.empty() || source.shape.size() > 3)
    return fail(ErrorCode::kInvalidFile,
                fmt::format("tensor '{}' has {} dimensions, expected 1 to 3", source.name,
                            source.shape.size()));
  const bool is_expert = found.expert >= 0;
  auto it = std::ranges::find(plan, found.name, &PlannedTensor::name);
  if (it == plan.end()) {
    PlannedTensor tensor;
    tensor.name = found.name;
    tensor.shape = source.shape;
    tensor.change = found.rule->change;
    tensor.n_heads = tensor.change == Change::kPairKv ? n_kv_heads_ : n_heads_;
    plan.push_back(std::move(tensor));
    it = std::prev(plan.end());
  } else if (!is_expert) {
    return fail(ErrorCode::kInvalidFile,
                fmt::format("tensors '{}' and '{}' are both '{}' in GGUF", it->sources[0]->name,
                            source.name, found.name));
  }
  if (source.shape != it->shape)
    return fail(ErrorCode::kInvalidFile,
                fmt::format("tensor '{}' differs in shape from the other experts", source.name));
  const auto slot = static_cast<size_t>(is_expert ? found.expert : 0);
  if (it->sources.size() <= slot) it->sources.resize(slot + 1);
  it->sources[slot] = &source;
  return {};
}

Result<std::vector<PlannedTensor>> Conversion::plan(const gguf::Safetensors& checkpoint) const {
  std::map<int32_t, std::vector<PlannedTensor>> by_layer;  // -1: outside the layers
  for (const gguf::Safetensor& source : checkpoint.tensors()) {
    const std::string_view name = stripped(source.name);
    if (is_ignored(name)) continue;
    const Match found = TRY(match(name));
    TRY(place(source, found, by_layer[found.layer]));
  }
  std::vector<PlannedTensor> result = added_;
  for (auto& [layer, tensors] : by_layer)
    for (PlannedTensor& tensor : tensors) {
      for (size_t expert = 0; expert < tensor.sources.size(); ++expert)
        if (!tensor.sources[expert])
          return fail(ErrorCode::kInvalidFile,
                      fmt::format("'{}': expert {} of {} is missing", tensor.name, expert,
                                  tensor.sources.size()));
      const bool is_stacked = tensor.name.find("_exps.") != std::string::npos;
      if (is_stacked) tensor.shape.insert(tensor.shape.begin(), tensor.sources.size());
      result.push_back(std::move(tensor));
    }
  for (const std::string& name : required_)
    if (std::ranges::find(result, name, &PlannedTensor::name) == result.end())
      return fail(ErrorCode::kInvalidFile,
                  fmt::format("the checkpoint has no tensor for '{}'", name));
  return result;
}

}  // namespace hearth::models
