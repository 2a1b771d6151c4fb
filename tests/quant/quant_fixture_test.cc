// Every format against the `gguf` package's own numbers, bit for bit: tests/make_quant_fixtures.py.
#include <gtest/gtest.h>

#include <bit>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "quant/type.h"

namespace hearth::quant {
namespace {

struct Fixture {
  size_t n_blocks = 0;
  std::vector<std::byte> blocks;
  std::vector<float> values;
};

std::string read_bytes(const std::string& name) {
  std::ifstream file(HEARTH_TEST_DIR "/data/quant/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

Fixture read_fixture(const TypeInfo& type, const std::string& kind) {
  const std::string bytes = read_bytes(std::string(type.name) + "." + kind);
  uint32_t n_blocks = 0;
  if (bytes.size() < sizeof(n_blocks)) return {};
  std::memcpy(&n_blocks, bytes.data(), sizeof(n_blocks));
  const size_t blocks_size = size_t{n_blocks} * type.block_bytes;
  const size_t values_size = size_t{n_blocks} * type.block_size * sizeof(float);
  if (bytes.size() != sizeof(n_blocks) + blocks_size + values_size) return {};
  Fixture fixture{.n_blocks = n_blocks,
                  .blocks = std::vector<std::byte>(blocks_size),
                  .values = std::vector<float>(values_size / sizeof(float))};
  const bool is_decode = kind == "decode";
  const char* first = bytes.data() + sizeof(n_blocks);
  const char* second = first + (is_decode ? blocks_size : values_size);
  std::memcpy(fixture.blocks.data(), is_decode ? first : second, blocks_size);
  std::memcpy(fixture.values.data(), is_decode ? second : first, values_size);
  return fixture;
}

class EveryFormat : public testing::TestWithParam<TypeInfo> {};

TEST_P(EveryFormat, decodes_to_the_reference_bits) {
  const TypeInfo& type = GetParam();
  if (type.decode == nullptr) GTEST_SKIP() << type.name << " has no decode";
  const Fixture fixture = read_fixture(type, "decode");
  ASSERT_GT(fixture.n_blocks, 0u);
  std::vector<float> values(fixture.values.size());
  type.decode(fixture.blocks.data(), fixture.n_blocks, values.data());
  for (size_t i = 0; i < values.size(); ++i) {
    ASSERT_EQ(std::bit_cast<uint32_t>(values[i]), std::bit_cast<uint32_t>(fixture.values[i]))
        << "block " << i / type.block_size << " value " << i % type.block_size << ": " << values[i]
        << " instead of " << fixture.values[i];
  }
}

TEST_P(EveryFormat, encodes_to_the_reference_bits) {
  const TypeInfo& type = GetParam();
  if (type.encode == nullptr) GTEST_SKIP() << type.name << " has no encode";
  const Fixture fixture = read_fixture(type, type.type == Type::kF32 ? "decode" : "encode");
  ASSERT_GT(fixture.n_blocks, 0u);
  std::vector<std::byte> blocks(fixture.blocks.size());
  type.encode(fixture.values.data(), fixture.n_blocks, blocks.data());
  for (size_t i = 0; i < blocks.size(); ++i) {
    ASSERT_EQ(blocks[i], fixture.blocks[i])
        << "block " << i / type.block_bytes << " byte " << i % type.block_bytes;
  }
}

INSTANTIATE_TEST_SUITE_P(, EveryFormat, testing::ValuesIn(all_types().begin(), all_types().end()),
                         [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace hearth::quant
