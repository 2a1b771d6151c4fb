// The rules are those of llama.cpp's src/llama-quant.cpp, October 2026. IQ3_XXS, which it refuses
// to make without an importance matrix, is as it makes it with one; the others as without.
#include "lab/synth/file_type.h"

#include <algorithm>

namespace hearth::lab {
namespace {

using enum FileTypeId;
using quant::Type;

constexpr FileType kFileTypes[] = {
    {kF32, "F32", Type::kF32},
    {kF16, "F16", Type::kF16},
    {kBF16, "BF16", Type::kBF16},
    {kQ8_0, "Q8_0", Type::kQ8_0},
    {kQ6_K, "Q6_K", Type::kQ6_K},
    {kQ5_K_M, "Q5_K_M", Type::kQ5_K},
    {kQ5_K_S, "Q5_K_S", Type::kQ5_K},
    {kQ5_1, "Q5_1", Type::kQ5_1},
    {kQ5_0, "Q5_0", Type::kQ5_0},
    {kQ4_K_M, "Q4_K_M", Type::kQ4_K},
    {kQ4_K_S, "Q4_K_S", Type::kQ4_K},
    {kQ4_1, "Q4_1", Type::kQ4_1},
    {kQ4_0, "Q4_0", Type::kQ4_0},
    {kIQ4_NL, "IQ4_NL", Type::kIQ4_NL},
    {kIQ4_XS, "IQ4_XS", Type::kIQ4_XS},
    {kMXFP4_MOE, "MXFP4_MOE", Type::kMXFP4},
    {kQ3_K_L, "Q3_K_L", Type::kQ3_K},
    {kQ3_K_M, "Q3_K_M", Type::kQ3_K},
    {kQ3_K_S, "Q3_K_S", Type::kQ3_K},
    {kIQ3_S, "IQ3_S", Type::kIQ3_S},
    {kIQ3_XXS, "IQ3_XXS", Type::kIQ3_XXS},
    {kQ2_K, "Q2_K", Type::kQ2_K},
    {kIQ2_M, "IQ2_M", Type::kIQ2_S},
    {kIQ2_S, "IQ2_S", Type::kIQ2_XS},
    {kIQ2_XS, "IQ2_XS", Type::kIQ2_XS},
    {kIQ2_XXS, "IQ2_XXS", Type::kIQ2_XXS},
    {kTQ2_0, "TQ2_0", Type::kTQ2_0},
    {kTQ1_0, "TQ1_0", Type::kTQ1_0},
    {kIQ1_M, "IQ1_M", Type::kIQ1_M},
    {kIQ1_S, "IQ1_S", Type::kIQ1_S},
};

struct Alias {
  std::string_view name;
  FileTypeId id;
};
constexpr Alias kAliases[] = {
    {"Q3_K", kQ3_K_M}, {"Q4_K", kQ4_K_M}, {"Q5_K", kQ5_K_M}, {"MXFP4", kMXFP4_MOE}};

char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

bool is_same_name(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, upper, upper);
}

bool is_float(Type type) { return type == Type::kF32 || type == Type::kF16 || type == Type::kBF16; }

bool divides(Type type, uint64_t row_length) {
  return row_length % quant::type_info(type).block_size == 0;
}

// A format of smaller blocks for rows that the wanted one does not divide.
Type fitting(Type type, uint64_t row_length) {
  if (divides(type, row_length)) return type;
  Type smaller = Type::kQ4_0;  // for Q2_K, Q3_K and ternary formats
  switch (type) {
    case Type::kIQ1_S:
    case Type::kIQ1_M:
    case Type::kIQ2_XXS:
    case Type::kIQ2_XS:
    case Type::kIQ2_S:
    case Type::kIQ3_XXS:
    case Type::kIQ3_S:
    case Type::kIQ4_XS: smaller = Type::kIQ4_NL; break;
    case Type::kQ4_K: smaller = Type::kQ5_0; break;
    case Type::kQ5_K: smaller = Type::kQ5_1; break;
    case Type::kQ6_K: smaller = Type::kQ8_0; break;
    default: break;
  }
  return divides(smaller, row_length) ? smaller : Type::kF16;
}

// The rules of one file type for the layers of one shape, before row lengths are looked at.
class Mix {
 public:
  Mix(const FileType& file_type, const Shape& shape, int32_t layer)
      : id_(file_type.id), base_(file_type.base), shape_(shape), layer_(layer) {}

  Type output(uint64_t row_length) const {
    if (id_ == kMXFP4_MOE || base_ == Type::kQ8_0 || !divides(base_, row_length))
      return Type::kQ8_0;
    return is_below_3_bits() || id_ == kIQ3_XXS ? Type::kQ5_K : Type::kQ6_K;
  }

  Type embedding() const {
    switch (id_) {
      case kIQ1_S:
      case kIQ1_M:
      case kIQ2_XXS:
      case kIQ2_XS: return Type::kQ2_K;
      case kIQ2_S:
      case kIQ2_M:
      case kIQ3_XXS: return Type::kIQ3_S;
      case kTQ1_0:
      case kTQ2_0: return Type::kQ4_K;
      case kMXFP4_MOE: return Type::kQ8_0;
      default: return base_;
    }
  }

  // Of the matrices of a layer.
  Type matrix(Role role) const {
    if (id_ == kMXFP4_MOE) return shape_.n_experts > 0 && is_mlp(role) ? base_ : Type::kQ8_0;
    switch (role) {
      case Role::kV:
      case Role::kQkv: return is_below_3_bits() ? value_below_3_bits() : value();
      case Role::kK: return key();
      case Role::kQ: return id_ == kIQ3_XXS ? Type::kIQ2_S : base_;
      case Role::kDown: return is_below_3_bits() ? down_below_3_bits() : down();
      case Role::kAttentionOutput: return attention_output();
      default: return base_;
    }
  }

 private:
  static bool is_mlp(Role role) {
    return role == Role::kGate || role == Role::kUp || role == Role::kDown;
  }

  bool is_below_3_bits() const {
    return id_ == kIQ1_S || id_ == kIQ1_M || id_ == kIQ2_XXS || id_ == kIQ2_XS || is_iq2_s();
  }
  bool is_iq2_s() const { return id_ == kIQ2_S || id_ == kIQ2_M; }
  bool is_mixtral() const { return shape_.n_experts == 8; }
  bool has_few_values() const { return shape_.n_heads / shape_.n_kv_heads >= 4; }
  bool is_in_first(int32_t share) const { return layer_ < shape_.n_layers / share; }
  // The first and last eighth of the layers, and every third between.
  bool gets_more_bits() const {
    const int32_t eighth = shape_.n_layers / 8;
    return layer_ < eighth || layer_ >= 7 * shape_.n_layers / 8 || (layer_ - eighth) % 3 == 2;
  }

  Type value() const {
    if (is_mixtral()) return Type::kQ8_0;
    switch (id_) {
      case kQ2_K: return has_few_values() ? Type::kQ4_K : Type::kQ3_K;
      case kIQ3_XXS:
      case kIQ3_S: return has_few_values() ? Type::kQ4_K : base_;
      case kQ3_K_M: return layer_ < 2 ? Type::kQ5_K : Type::kQ4_K;
      case kQ3_K_L: return Type::kQ5_K;
      case kIQ4_NL:
      case kIQ4_XS: return has_few_values() ? Type::kQ5_K : base_;
      case kQ4_K_S: return layer_ < 4 ? Type::kQ5_K : base_;
      case kQ4_K_M:
      case kQ5_K_M: return gets_more_bits() ? Type::kQ6_K : base_;
      default: return base_;
    }
  }

  Type value_below_3_bits() const {
    if (has_few_values() || shape_.n_experts >= 4) return Type::kQ4_K;
    return is_iq2_s() ? Type::kIQ3_S : Type::kQ2_K;
  }

  Type key() const {
    if (is_mixtral()) return is_below_3_bits() ? Type::kQ4_K : Type::kQ8_0;
    return id_ == kIQ3_XXS ? Type::kIQ2_S : base_;
  }

  Type down() const {
    switch (id_) {
      case kQ2_K: return Type::kQ3_K;
      case kQ3_K_M: return is_in_first(16) ? Type::kQ5_K : Type::kQ4_K;
      case kQ3_K_L: return Type::kQ5_K;
      case kIQ4_NL:
      case kIQ4_XS:
      case kQ4_K_S: return is_in_first(8) ? Type::kQ5_K : base_;
      case kQ4_K_M:
      case kQ5_K_M: return gets_more_bits() ? Type::kQ6_K : base_;
      default: return base_;
    }
  }

  Type down_below_3_bits() const {
    if (!is_in_first(8)) return base_;
    return is_iq2_s() ? Type::kIQ3_S : Type::kQ2_K;
  }

  Type attention_output() const {
    if (is_mixtral()) return mixtral_attention_output();
    switch (id_) {
      case kQ2_K: return Type::kQ3_K;
      case kIQ3_XXS:
      case kIQ2_S:
      case kIQ2_M: return Type::kIQ3_S;
      case kQ3_K_M: return Type::kQ4_K;
      case kQ3_K_L: return Type::kQ5_K;
      case kIQ1_S:
      case kIQ1_M: return Type::kIQ2_XXS;
      default: return base_;
    }
  }

  Type mixtral_attention_output() const {
    switch (id_) {
      case kQ2_K:
      case kIQ3_XXS:
      case kIQ3_S:
      case kQ3_K_S:
      case kQ3_K_M:
      case kIQ4_NL:
      case kIQ4_XS:
      case kQ4_K_S:
      case kQ4_K_M: return Type::kQ5_K;
      default: return is_below_3_bits() ? Type::kQ5_K : base_;
    }
  }

  FileTypeId id_;
  Type base_;
  const Shape& shape_;
  int32_t layer_;
};

}  // namespace

std::span<const FileType> all_file_types() { return kFileTypes; }

const FileType* find_file_type(std::string_view name) {
  const auto alias = std::ranges::find_if(
      kAliases, [name](const Alias& row) { return is_same_name(name, row.name); });
  const auto row = std::ranges::find_if(kFileTypes, [&](const FileType& type) {
    return alias == std::end(kAliases) ? is_same_name(name, type.name) : type.id == alias->id;
  });
  return row == std::end(kFileTypes) ? nullptr : row;
}

quant::Type tensor_type(const FileType& file_type, bool pure, const Shape& shape,
                        const PlannedTensor& tensor) {
  const bool is_small = tensor.role == Role::kNorm || tensor.role == Role::kRouter ||
                        tensor.role == Role::kRopeDivisors;
  if (is_small) return Type::kF32;
  const uint64_t row_length = tensor.dims[0];
  if (pure || is_float(file_type.base)) return fitting(file_type.base, row_length);
  const Mix mix(file_type, shape, tensor.layer);
  const bool is_head =
      tensor.role == Role::kOutput || (tensor.role == Role::kEmbedding && shape.is_tied);
  if (is_head) return fitting(mix.output(row_length), row_length);
  if (tensor.role == Role::kEmbedding) return fitting(mix.embedding(), row_length);
  return fitting(mix.matrix(tensor.role), row_length);
}

}  // namespace hearth::lab
