// Every format against the `gguf` package's own numbers, bit for bit: tests/make_quant_fixtures.py.
#include <gtest/gtest.h>

#include <bit>
#include <cstring>
#include <fstream>
#include <iterator>
#include <ostream>
#include <string>
#include <vector>

#include "quant/type.h"

namespace hearth::quant {

static void PrintTo(const TypeInfo& type, std::ostream* out) { *out << type.name; }

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

std::vector<TypeInfo> types_with(auto has) {
  std::vector<TypeInfo> rows;
  for (const TypeInfo& row : all_types()) {
    if (has(row)) rows.push_back(row);
  }
  return rows;
}

std::string name_of(const testing::TestParamInfo<TypeInfo>& row) { return row.param.name; }

class Decode : public testing::TestWithParam<TypeInfo> {};

TEST_P(Decode, gives_the_reference_bits) {
  const TypeInfo& type = GetParam();
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

INSTANTIATE_TEST_SUITE_P(, Decode, testing::ValuesIn(types_with([](const TypeInfo& row) {
                           return row.decode != nullptr;
                         })),
                         name_of);

class Encode : public testing::TestWithParam<TypeInfo> {};

TEST_P(Encode, gives_the_reference_bits) {
  const TypeInfo& type = GetParam();
  const Fixture fixture = read_fixture(type, type.type == Type::kF32 ? "decode" : "encode");
  ASSERT_GT(fixture.n_blocks, 0u);
  std::vector<std::byte> blocks(fixture.blocks.size());
  type.encode(fixture.values.data(), fixture.n_blocks, blocks.data());
  for (size_t i = 0; i < blocks.size(); ++i) {
    ASSERT_EQ(blocks[i], fixture.blocks[i])
        << "block " << i / type.block_bytes << " byte " << i % type.block_bytes;
  }
}

INSTANTIATE_TEST_SUITE_P(, Encode, testing::ValuesIn(types_with([](const TypeInfo& row) {
                           return row.encode != nullptr;
                         })),
                         name_of);

}  // namespace
}  // namespace hearth::quant
