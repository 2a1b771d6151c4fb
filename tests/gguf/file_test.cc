#include "gguf/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/gguf/gguf_bytes.h"

namespace hearth::gguf {
namespace {

using testing::ElementsAre;

TEST(File, both_versions_give_the_same_values) {
  for (const uint32_t version : {2u, 3u}) {
    const GgufBytes bytes = small_file(version);
    const auto file = bytes.parse();
    ASSERT_TRUE(file) << file.error().message;
    const Metadata& metadata = file->metadata();
    EXPECT_EQ(metadata.entries().size(), 19u);
    EXPECT_EQ(*metadata.get_uint("t.uint8", 0, 255), 250u);
    EXPECT_EQ(*metadata.get_uint("t.uint16", 0, 65535), 65000u);
    EXPECT_EQ(*metadata.get_uint("t.uint32", 0, ~0u), 4000000000u);
    EXPECT_EQ(*metadata.get_uint("t.uint64", 0, ~0ull), 1ull << 63);
    EXPECT_EQ(std::get<int64_t>(metadata.find("t.int8")->data), -5);
    EXPECT_EQ(std::get<int64_t>(metadata.find("t.int16")->data), -30000);
    EXPECT_EQ(std::get<int64_t>(metadata.find("t.int32")->data), -2000000000);
    EXPECT_EQ(std::get<int64_t>(metadata.find("t.int64")->data), -(1ll << 40));
    EXPECT_EQ(*metadata.get_float("t.float32", 0, 1), static_cast<double>(0.1f));
    EXPECT_EQ(*metadata.get_float("t.float64", 0, 1), 0.1);
    EXPECT_TRUE(*metadata.get_bool("t.bool"));
    EXPECT_EQ(*metadata.get_string("t.string"), "caf\xC3\xA9");
    EXPECT_THAT(*metadata.get_strings("t.strings"), ElementsAre("a", "", "bc"));
    EXPECT_THAT(*metadata.get_floats("t.floats"), ElementsAre(1.5f, -2.0f));
    EXPECT_THAT(*metadata.get_ints("t.ints"), ElementsAre(-1, 0, 7));
    EXPECT_THAT(*metadata.get_ints("t.bools"), ElementsAre(1, 0));
    EXPECT_TRUE(metadata.get_ints("t.empty")->empty());
  }
}

TEST(File, tensors_know_their_shape_and_bytes) {
  const GgufBytes bytes = small_file();
  const auto file = bytes.parse();
  ASSERT_TRUE(file) << file.error().message;
  ASSERT_EQ(file->tensors().size(), 2u);
  const Tensor& a = file->tensors()[0];
  EXPECT_EQ(a.name, "a.weight");
  EXPECT_EQ(a.type, quant::Type::kQ8_0);
  EXPECT_EQ(a.n_dims, 2);
  EXPECT_THAT(a.dims, ElementsAre(32, 2, 1, 1));
  EXPECT_EQ(a.data.size(), 68u);
  const Tensor* b = file->find_tensor("b.bias");
  ASSERT_NE(b, nullptr);
  EXPECT_EQ(b->n_values(), 3u);
  EXPECT_EQ(b->n_rows(), 1u);
  float values[3];
  ASSERT_EQ(b->data.size(), sizeof values);
  std::memcpy(values, b->data.data(), sizeof values);
  EXPECT_THAT(values, ElementsAre(1.0f, 2.0f, 3.0f));
  EXPECT_EQ(file->find_tensor("b.bia"), nullptr);
  EXPECT_EQ(file->size_bytes(), bytes.bytes().size());
}

TEST(File, a_moved_file_keeps_its_views) {
  const GgufBytes bytes = small_file();
  auto file = bytes.parse();
  ASSERT_TRUE(file) << file.error().message;
  const File moved = *std::move(file);
  EXPECT_EQ(*moved.metadata().get_string("general.architecture"), "llama");
  EXPECT_EQ(moved.find_tensor("a.weight"), &moved.tensors()[0]);
}

}  // namespace
}  // namespace hearth::gguf
