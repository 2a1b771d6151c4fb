#include "gguf/writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "tests/gguf/gguf_bytes.h"
#include "tests/support/scratch_folder.h"

namespace hearth::gguf {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::byte> random_bytes(size_t size, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<std::byte> out(size);
  for (std::byte& b : out) b = static_cast<std::byte>(random());
  return out;
}

TEST(Writer, every_value_of_another_file_survives_a_copy) {
  const ScratchFolder folder;
  const GgufBytes bytes = small_file();
  const auto source = bytes.parse();
  ASSERT_TRUE(source) << source.error().message;
  auto writer = Writer::create(folder / "copy.gguf");
  ASSERT_TRUE(writer) << writer.error().message;
  for (const auto& [key, value] : source->metadata().entries()) writer->set_value(key, value);
  for (const Tensor& t : source->tensors()) {
    ASSERT_TRUE(writer->declare(t.name, t.type, std::span(t.dims).first(t.n_dims)));
  }
  ASSERT_TRUE(writer->begin_data());
  for (const Tensor& t : source->tensors()) ASSERT_TRUE(writer->write_bytes(t.data));
  ASSERT_TRUE(writer->finish());

  const auto copy = File::open(folder / "copy.gguf");
  ASSERT_TRUE(copy) << copy.error().message;
  const auto entries = copy->metadata().entries();
  const auto wanted = source->metadata().entries();
  ASSERT_EQ(entries.size(), wanted.size() - 1);  // without general.alignment
  for (const auto& [key, value] : entries) {
    const Value* original = source->metadata().find(key);
    ASSERT_NE(original, nullptr) << key;
    ASSERT_EQ(value.type, original->type) << key;
    const auto* array = std::get_if<Array>(&value.data);
    if (array == nullptr) {
      EXPECT_TRUE(std::visit(
          [](const auto& a, const auto& b) {
            if constexpr (!std::is_same_v<decltype(a), decltype(b)>) {
              return false;
            } else if constexpr (std::is_same_v<decltype(a), const Array&>) {
              return false;
            } else {
              return a == b;
            }
          },
          value.data, original->data))
          << key;
      continue;
    }
    const auto& other = std::get<Array>(original->data);
    EXPECT_EQ(array->element_type, other.element_type) << key;
    EXPECT_EQ(array->size, other.size) << key;
    EXPECT_EQ(array->strings, other.strings) << key;
    EXPECT_TRUE(std::ranges::equal(array->elements, other.elements)) << key;
  }
  for (const Tensor& t : source->tensors()) {
    const Tensor* found = copy->find_tensor(t.name);
    ASSERT_NE(found, nullptr);
    EXPECT_EQ(found->type, t.type);
    EXPECT_EQ(found->n_dims, t.n_dims);
    EXPECT_EQ(found->dims, t.dims);
    EXPECT_TRUE(std::ranges::equal(found->data, t.data));
  }
}

TEST(Writer, each_setter_is_read_back_by_its_getter) {
  const ScratchFolder folder;
  auto writer = Writer::create(folder / "m.gguf");
  ASSERT_TRUE(writer) << writer.error().message;
  const std::vector<std::string> texts = {"x", "", "caf\xC3\xA9"};
  writer->set_uint32("u32", 7);
  writer->set_uint64("u64", 1ull << 50);
  writer->set_int32("i32", -7);
  writer->set_float32("f32", 0.25f);
  writer->set_bool("bool", true);
  writer->set_string("string", "first");
  writer->set_string("string", "second");
  writer->set_strings("strings", texts);
  writer->set_floats("floats", std::vector<float>{1, -2.5f});
  writer->set_ints("ints", std::vector<int32_t>{-1, 5});
  writer->set_bools("bools", {true, false, true});
  ASSERT_TRUE(writer->begin_data());
  ASSERT_TRUE(writer->finish());

  const auto file = File::open(folder / "m.gguf");
  ASSERT_TRUE(file) << file.error().message;
  const Metadata& m = file->metadata();
  EXPECT_EQ(m.entries().size(), 10u);
  EXPECT_EQ(m.find("u32")->type, ValueType::kUint32);
  EXPECT_EQ(*m.get_uint("u32", 0, 10), 7u);
  EXPECT_EQ(*m.get_uint("u64", 0, ~0ull), 1ull << 50);
  EXPECT_EQ(std::get<int64_t>(m.find("i32")->data), -7);
  EXPECT_EQ(*m.get_float("f32", 0, 1), 0.25);
  EXPECT_TRUE(*m.get_bool("bool"));
  EXPECT_EQ(*m.get_string("string"), "second");
  EXPECT_THAT(*m.get_strings("strings"), ElementsAre("x", "", "caf\xC3\xA9"));
  EXPECT_THAT(*m.get_floats("floats"), ElementsAre(1, -2.5f));
  EXPECT_THAT(*m.get_ints("ints"), ElementsAre(-1, 5));
  EXPECT_THAT(*m.get_ints("bools"), ElementsAre(1, 0, 1));
}

TEST(Writer, bytes_of_every_tensor_type_come_back_in_any_pieces) {
  const ScratchFolder folder;
  auto writer = Writer::create(folder / "m.gguf");
  ASSERT_TRUE(writer) << writer.error().message;
  for (const quant::TypeInfo& type : quant::all_types()) {
    const uint64_t dims[] = {2ull * type.block_size, 3, 1, 2};
    ASSERT_TRUE(writer->declare(type.name, type.type, dims));
  }
  ASSERT_TRUE(writer->begin_data());
  for (const quant::TypeInfo& type : quant::all_types()) {
    const auto bytes = random_bytes(type.block_bytes * 12, static_cast<uint32_t>(type.type));
    const size_t n_first = bytes.size() / 3;
    ASSERT_TRUE(writer->write_bytes(std::span(bytes).first(n_first)));
    ASSERT_TRUE(writer->write_bytes(std::span(bytes).subspan(n_first)));
  }
  ASSERT_TRUE(writer->finish());

  const auto file = File::open(folder / "m.gguf");
  ASSERT_TRUE(file) << file.error().message;
  ASSERT_EQ(file->tensors().size(), quant::all_types().size());
  for (const quant::TypeInfo& type : quant::all_types()) {
    const Tensor* tensor = file->find_tensor(type.name);
    ASSERT_NE(tensor, nullptr) << type.name;
    EXPECT_EQ(tensor->type, type.type);
    EXPECT_THAT(tensor->dims, ElementsAre(2 * type.block_size, 3, 1, 2));
    const auto bytes = random_bytes(type.block_bytes * 12, static_cast<uint32_t>(type.type));
    EXPECT_TRUE(std::ranges::equal(tensor->data, bytes)) << type.name;
    EXPECT_EQ((tensor->data.data() - file->parts()[0].bytes().data()) % 32, 0) << type.name;
  }
}

TEST(Writer, floats_are_encoded_as_the_type_says) {
  const ScratchFolder folder;
  std::vector<float> values(512 * 70);  // more blocks of F32 than are encoded at once
  for (size_t i = 0; i < values.size(); ++i) values[i] = std::sin(static_cast<float>(i));
  auto writer = Writer::create(folder / "m.gguf");
  ASSERT_TRUE(writer) << writer.error().message;
  const uint64_t dims[] = {512, 70};
  size_t n_encoders = 0;
  for (const quant::TypeInfo& type : quant::all_types()) {
    if (type.encode == nullptr) continue;
    ASSERT_TRUE(writer->declare(type.name, type.type, dims));
  }
  ASSERT_TRUE(writer->begin_data());
  for (const quant::TypeInfo& type : quant::all_types()) {
    if (type.encode == nullptr) continue;
    ++n_encoders;
    ASSERT_TRUE(writer->write_floats(std::span(values).first(512)));
    ASSERT_TRUE(writer->write_floats(std::span(values).subspan(512)));
  }
  ASSERT_TRUE(writer->finish());
  ASSERT_GE(n_encoders, 5u);

  const auto file = File::open(folder / "m.gguf");
  ASSERT_TRUE(file) << file.error().message;
  for (const Tensor& tensor : file->tensors()) {
    const quant::TypeInfo& type = quant::type_info(tensor.type);
    std::vector<std::byte> wanted(values.size() / type.block_size * type.block_bytes);
    type.encode(values.data(), values.size() / type.block_size, wanted.data());
    EXPECT_TRUE(std::ranges::equal(tensor.data, wanted)) << type.name;
  }
}

TEST(Writer, an_unfinished_file_leaves_nothing_and_the_old_one_whole) {
  const ScratchFolder folder;
  folder.write("m.gguf", "the old one");
  {
    auto writer = Writer::create(folder / "m.gguf");
    ASSERT_TRUE(writer) << writer.error().message;
    const uint64_t dims[] = {1 << 20, 4};
    ASSERT_TRUE(writer->declare("t", quant::Type::kF32, dims));
    ASSERT_TRUE(writer->begin_data());
    ASSERT_TRUE(writer->write_floats(std::vector<float>(1 << 20)));
    EXPECT_EQ(folder.n_files(), 2u);
    const auto finished = writer->finish();
    ASSERT_FALSE(finished);
    EXPECT_THAT(finished.error().message, HasSubstr("'t' has 4194304 of its 16777216 bytes"));
  }
  EXPECT_EQ(folder.n_files(), 1u);
  EXPECT_EQ(std::filesystem::file_size(folder / "m.gguf"), 11u);
}

TEST(Writer, a_model_that_the_disk_cannot_hold_is_refused_with_the_numbers) {
  const ScratchFolder folder;
  {
    auto writer = Writer::create(folder / "m.gguf");
    ASSERT_TRUE(writer) << writer.error().message;
    const uint64_t dims[] = {1ull << 50, 1 << 8};
    ASSERT_TRUE(writer->declare("t", quant::Type::kF32, dims));
    const auto begun = writer->begin_data();
    ASSERT_FALSE(begun);
    EXPECT_EQ(begun.error().code, ErrorCode::kIo);
    EXPECT_THAT(begun.error().message, HasSubstr("1152921504606847072 bytes more are needed"));
  }
  EXPECT_EQ(folder.n_files(), 0u);
}

TEST(Writer, a_declaration_that_no_reader_would_take_is_refused) {
  const ScratchFolder folder;
  auto writer = Writer::create(folder / "m.gguf");
  ASSERT_TRUE(writer) << writer.error().message;
  const auto refusal = [&](std::string_view name, std::vector<uint64_t> dims) {
    const auto declared = writer->declare(name, quant::Type::kQ4_0, dims);
    if (declared) return std::string("none");
    EXPECT_EQ(declared.error().code, ErrorCode::kInvalidArgument);
    return declared.error().message;
  };
  EXPECT_EQ(refusal("t", {32, 2}), "none");
  EXPECT_THAT(refusal("t", {32, 2}), HasSubstr("tensor 't' is declared twice"));
  EXPECT_THAT(refusal("", {32}), HasSubstr("is empty"));
  EXPECT_THAT(refusal(std::string(128, 'n'), {32}), HasSubstr("128 bytes, the limit is 127"));
  EXPECT_THAT(refusal("a\xFF", {32}), HasSubstr("not valid UTF-8"));
  EXPECT_THAT(refusal("u", {33}), HasSubstr("blocks of 32 values do not divide"));
  EXPECT_THAT(refusal("u", {}), HasSubstr("1 to 4 dimensions"));
  EXPECT_THAT(refusal("u", {32, 1, 1, 1, 1}), HasSubstr("1 to 4 dimensions"));
  EXPECT_THAT(refusal("u", {32, 0}), HasSubstr("a dimension of 0"));
  EXPECT_THAT(refusal("u", {32, 1ull << 63}), HasSubstr("does not fit 64 bits"));
  EXPECT_THAT(refusal("u", {32, 1ull << 58}), HasSubstr("too long"));
  writer->set_strings("tokens", std::vector<std::string>{std::string(65537, 'x')});
  const auto begun = writer->begin_data();
  ASSERT_FALSE(begun);
  EXPECT_EQ(begun.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(begun.error().message, HasSubstr("'tokens' holds a text of 65537 bytes"));
}

TEST(Writer, more_or_other_data_than_declared_is_refused) {
  const ScratchFolder folder;
  auto writer = Writer::create(folder / "m.gguf");
  ASSERT_TRUE(writer) << writer.error().message;
  const uint64_t dims[] = {8, 2};
  ASSERT_TRUE(writer->declare("t", quant::Type::kF32, dims));
  ASSERT_TRUE(writer->begin_data());
  EXPECT_THAT(writer->write_floats(std::vector<float>(7)).error().message,
              HasSubstr("7 values are no whole rows of 8"));
  EXPECT_THAT(writer->write_floats(std::vector<float>(24)).error().message,
              HasSubstr("takes 64 bytes more, given 96"));
  ASSERT_TRUE(writer->write_floats(std::vector<float>(16)));
  EXPECT_THAT(writer->write_floats(std::vector<float>(8)).error().message,
              HasSubstr("already written"));
  EXPECT_TRUE(writer->finish());
}

TEST(Writer, a_folder_that_is_not_there_is_an_error) {
  const ScratchFolder folder;
  const auto writer = Writer::create(folder / "none/m.gguf");
  ASSERT_FALSE(writer);
  EXPECT_EQ(writer.error().code, ErrorCode::kIo);
  EXPECT_THAT(writer.error().message, HasSubstr("No such file or directory"));
  EXPECT_EQ(Writer::create(folder.path().string()).error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace hearth::gguf
