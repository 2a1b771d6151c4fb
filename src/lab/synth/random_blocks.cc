#include "lab/synth/random_blocks.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <vector>

#include "base/check.h"
#include "base/half.h"
#include "lab/synth/random_bits.h"

namespace hearth::lab {
namespace {

using quant::Type;

enum class Scale {
  kNone,       // values of their own: F32, F16, BF16
  kHalf,       // a half at scale_at
  kExponent,   // MXFP4: a power of two in byte 0
  kScattered,  // IQ1_M: the high 4 bits of the last four uint16
};

// Where a block's scale is; and its minimum, a half, where it has one.
struct Layout {
  Type type;
  Scale kind;
  size_t scale_at = 0;
  size_t min_at = 0;
  float min_per_scale = 0;  // what gives the values mean 0; 0: no minimum
};

constexpr Layout kLayouts[] = {
    {Type::kF32, Scale::kNone},
    {Type::kF16, Scale::kNone},
    {Type::kBF16, Scale::kNone},
    {Type::kQ4_0, Scale::kHalf, 0},
    {Type::kQ4_1, Scale::kHalf, 0, 2, -7.5f},
    {Type::kQ5_0, Scale::kHalf, 0},
    {Type::kQ5_1, Scale::kHalf, 0, 2, -15.5f},
    {Type::kQ8_0, Scale::kHalf, 0},
    {Type::kQ2_K, Scale::kHalf, 80, 82, 1.5f},
    {Type::kQ3_K, Scale::kHalf, 108},
    {Type::kQ4_K, Scale::kHalf, 0, 2, 7.5f},
    {Type::kQ5_K, Scale::kHalf, 0, 2, 15.5f},
    {Type::kQ6_K, Scale::kHalf, 208},
    {Type::kIQ1_S, Scale::kHalf, 0},
    {Type::kIQ1_M, Scale::kScattered, 48},
    {Type::kIQ2_XXS, Scale::kHalf, 0},
    {Type::kIQ2_XS, Scale::kHalf, 0},
    {Type::kIQ2_S, Scale::kHalf, 0},
    {Type::kIQ3_XXS, Scale::kHalf, 0},
    {Type::kIQ3_S, Scale::kHalf, 0},
    {Type::kIQ4_NL, Scale::kHalf, 0},
    {Type::kIQ4_XS, Scale::kHalf, 0},
    {Type::kTQ1_0, Scale::kHalf, 52},
    {Type::kTQ2_0, Scale::kHalf, 64},
    {Type::kMXFP4, Scale::kExponent, 0},
};

const Layout* find_layout(Type type) {
  const auto row = std::ranges::find(kLayouts, type, &Layout::type);
  return row == std::end(kLayouts) ? nullptr : row;
}

void store_half(std::byte* at, float value) {
  const uint16_t half = float_to_half(value);
  std::memcpy(at, &half, sizeof half);
}

void set_scale(const Layout& layout, float scale, std::byte* block) {
  if (layout.kind == Scale::kHalf) store_half(block + layout.scale_at, scale);
  if (layout.kind == Scale::kExponent)
    block[layout.scale_at] = static_cast<std::byte>(128 + std::lround(std::log2(scale)));
  if (layout.kind == Scale::kScattered) {
    const uint16_t half = float_to_half(scale);
    for (size_t i = 0; i < 4; ++i) {
      std::byte& high = block[layout.scale_at + 2 * i + 1];
      high = (high & std::byte{0x0F}) | static_cast<std::byte>((half >> 4 * i & 15) << 4);
    }
  }
  if (layout.min_per_scale != 0) store_half(block + layout.min_at, layout.min_per_scale * scale);
}

void draw_bytes(RandomBits& random, std::span<std::byte> out) {
  while (!out.empty()) {
    const uint64_t bits = random.next();
    const size_t n = std::min(out.size(), sizeof bits);
    std::memcpy(out.data(), &bits, n);
    out = out.subspan(n);
  }
}

// A ternary code of 3 stands for no value: it becomes 1, a 0.
void drop_fourth_codes(std::span<std::byte> codes) {
  for (std::byte& byte : codes) byte &= ~(byte & byte << 1 & std::byte{0xAA});
}

void draw_values(const quant::TypeInfo& info, float deviation, RandomBits& random,
                 std::span<std::byte> out) {
  const float most = deviation * std::sqrt(3.0f);  // of a uniform distribution
  std::array<float, 256> values;
  while (!out.empty()) {
    const size_t n = std::min(values.size(), out.size() / info.block_bytes);
    for (size_t i = 0; i < n; ++i) values[i] = most * (2 * random.unit() - 1);
    info.encode(values.data(), n, out.data());
    out = out.subspan(n * info.block_bytes);
  }
}

// Blocks with scales from 0.75 to 1.25 of `scale`, so that a kernel that takes another block's
// scale computes something else.
void draw_blocks(const Layout& layout, float scale, RandomBits& random, std::span<std::byte> out) {
  const quant::TypeInfo& info = quant::type_info(layout.type);
  draw_bytes(random, out);
  if (layout.type == Type::kTQ2_0) drop_fourth_codes(out);
  for (size_t at = 0; at < out.size(); at += info.block_bytes)
    set_scale(layout, scale * (0.75f + 0.5f * random.unit()), out.data() + at);
}

// Of the values of blocks of scale 1, as the format's decoder has it.
float measured_deviation(const Layout& layout) {
  constexpr size_t kBlocks = 1024;
  const quant::TypeInfo& info = quant::type_info(layout.type);
  std::vector<std::byte> blocks(kBlocks * info.block_bytes);
  std::vector<float> values(kBlocks * info.block_size);
  RandomBits random(0);
  draw_blocks(layout, 1.0f, random, blocks);
  info.decode(blocks.data(), kBlocks, values.data());
  double squares = 0;
  for (const float value : values) squares += double{value} * value;
  return static_cast<float>(std::sqrt(squares / static_cast<double>(values.size())));
}

}  // namespace

bool has_random_blocks(Type type) { return find_layout(type) != nullptr; }

RandomBlocks::RandomBlocks(Type type, float deviation) : type_(type), scale_(deviation) {
  const Layout* layout = find_layout(type);
  CHECK(layout != nullptr);
  if (layout->kind != Scale::kNone) scale_ /= measured_deviation(*layout);
}

void RandomBlocks::fill(uint64_t seed, std::span<std::byte> blocks) const {
  const Layout& layout = *find_layout(type_);
  const quant::TypeInfo& info = quant::type_info(type_);
  CHECK(blocks.size() % info.block_bytes == 0);
  RandomBits random(seed);
  if (layout.kind == Scale::kNone) return draw_values(info, scale_, random, blocks);
  draw_blocks(layout, scale_, random, blocks);
}

}  // namespace hearth::lab
