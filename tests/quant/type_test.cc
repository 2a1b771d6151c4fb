#include "quant/type.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <set>
#include <string>

namespace hearth::quant {
namespace {

TEST(TypeTable, finds_each_row_by_id_and_by_name_in_any_case) {
  for (const TypeInfo& row : all_types()) {
    EXPECT_EQ(find_type(static_cast<uint32_t>(row.type)), &row);
    EXPECT_EQ(&type_info(row.type), &row);
    std::string name = row.name;
    EXPECT_EQ(find_type(name), &row);
    std::ranges::transform(name, name.begin(), [](char c) { return std::tolower(c); });
    EXPECT_EQ(find_type(name), &row);
  }
}

TEST(TypeTable, knows_no_retired_or_future_ids_and_no_other_names) {
  for (const uint32_t id : {4u, 5u, 9u, 15u, 31u, 38u, 40u, 255u, ~0u}) {
    EXPECT_EQ(find_type(id), nullptr) << id;
  }
  for (const char* name : {"", "Q4", "Q4_00", "F3", "Q4-0"}) {
    EXPECT_EQ(find_type(name), nullptr) << name;
  }
}

TEST(TypeTable, decodes_every_type_but_the_integers_and_f64) {
  const std::set<std::string> without = {"I8", "I16", "I32", "I64", "F64"};
  for (const TypeInfo& row : all_types()) {
    EXPECT_EQ(row.decode == nullptr, without.contains(row.name)) << row.name;
  }
}

TEST(RowBytes, counts_whole_blocks) {
  EXPECT_EQ(row_bytes(Type::kQ4_0, 64), 36u);
  EXPECT_EQ(row_bytes(Type::kQ6_K, 512), 420u);
  EXPECT_EQ(row_bytes(Type::kF16, 3), 6u);
  EXPECT_EQ(row_bytes(Type::kQ4_K, 0), 0u);
}

TEST(RowBytes, refuses_a_part_of_a_block) {
  EXPECT_EQ(row_bytes(Type::kQ4_0, 33), std::nullopt);
  EXPECT_EQ(row_bytes(Type::kQ4_K, 128), std::nullopt);
}

TEST(RowBytes, refuses_a_size_that_wraps) {
  constexpr uint64_t kMost = std::numeric_limits<uint64_t>::max();
  EXPECT_EQ(row_bytes(Type::kF32, kMost / 4), kMost - 3);
  EXPECT_EQ(row_bytes(Type::kF32, kMost / 4 + 1), std::nullopt);
  EXPECT_EQ(row_bytes(Type::kQ8_0, (kMost / 34 + 1) * 32), std::nullopt);
  EXPECT_TRUE(row_bytes(Type::kQ4_0, kMost / 32 * 32).has_value());
}

}  // namespace
}  // namespace hearth::quant
