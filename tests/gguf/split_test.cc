#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <set>

#include "gguf/file.h"
#include "gguf/split_name.h"
#include "tests/gguf/gguf_bytes.h"
#include "tests/support/scratch_folder.h"

namespace hearth::gguf {
namespace {

using testing::HasSubstr;

struct PartOptions {
  uint16_t number = 0;
  uint16_t count = 3;
  int32_t n_tensors = 3;
  std::string_view tensor = "t0";
  std::string_view architecture = "";
};

// A part with one tensor of one float, which is the part's number.
GgufBytes part(const PartOptions& options) {
  GgufBytes out;
  out.header(1, options.architecture.empty() ? 3 : 4);
  out.value("split.no", ValueType::kUint16, options.number);
  out.value("split.count", ValueType::kUint16, options.count);
  out.value("split.tensors.count", ValueType::kInt32, options.n_tensors);
  if (!options.architecture.empty()) out.value("general.architecture", options.architecture);
  out.tensor(options.tensor, {1}, kF32, 0).align();
  return out.put(static_cast<float>(options.number));
}

class Split : public testing::Test {
 protected:
  void SetUp() override {
    write({.number = 0, .tensor = "t0", .architecture = "llama"});
    write({.number = 1, .tensor = "t1"});
    write({.number = 2, .tensor = "t2"});
  }
  std::string name(uint32_t number) const { return folder_ / split_name("model", number, 3); }
  void write(const PartOptions& options) {
    folder_.write(split_name("model", options.number + 1u, 3), part(options).bytes());
  }
  Error open_error(uint32_t number = 1) const {
    const auto file = File::open(name(number));
    EXPECT_FALSE(file);
    return file ? Error{} : file.error();
  }

  ScratchFolder folder_;
};

TEST_F(Split, the_first_part_opens_all) {
  const auto file = File::open(name(1));
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->parts().size(), 3u);
  std::set<const MappedFile*> parts;
  for (const Tensor& tensor : file->tensors()) parts.insert(file->part_of(tensor.data));
  EXPECT_EQ(parts.size(), 3u);
  EXPECT_FALSE(parts.contains(nullptr));
  const std::byte elsewhere[4] = {};
  EXPECT_EQ(file->part_of(elsewhere), nullptr);
  EXPECT_EQ(file->tensors().size(), 3u);
  EXPECT_EQ(*file->metadata().get_string("general.architecture"), "llama");
  uint64_t n_bytes = 0;
  for (int i = 0; i < 3; ++i) {
    const Tensor* tensor = file->find_tensor(fmt::format("t{}", i));
    ASSERT_NE(tensor, nullptr);
    float value;
    ASSERT_EQ(tensor->data.size(), sizeof value);
    std::memcpy(&value, tensor->data.data(), sizeof value);
    EXPECT_EQ(value, static_cast<float>(i));
    n_bytes += std::filesystem::file_size(name(static_cast<uint32_t>(i) + 1));
  }
  EXPECT_EQ(file->size_bytes(), n_bytes);
}

TEST_F(Split, a_missing_part_is_named) {
  unlink(name(2).c_str());
  const Error error = open_error();
  EXPECT_EQ(error.code, ErrorCode::kNotFound);
  EXPECT_THAT(error.message, HasSubstr("model-00002-of-00003.gguf: part 2 of 3 is missing"));
}

TEST_F(Split, a_later_part_says_which_to_open) {
  const Error error = open_error(2);
  EXPECT_EQ(error.code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(error.message, HasSubstr("open the first one"));
  EXPECT_THAT(error.message, HasSubstr("model-00001-of-00003.gguf"));
}

TEST_F(Split, a_renamed_part_says_its_name) {
  std::filesystem::rename(name(1), folder_ / "model.gguf");
  const auto file = File::open(folder_ / "model.gguf");
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, ErrorCode::kInvalidFile);
  EXPECT_THAT(file.error().message, HasSubstr("its name must end in -00001-of-00003.gguf"));
}

TEST_F(Split, parts_in_the_wrong_order_are_refused) {
  std::filesystem::copy_file(name(3), name(2), std::filesystem::copy_options::overwrite_existing);
  const Error error = open_error();
  EXPECT_EQ(error.code, ErrorCode::kInvalidFile);
  EXPECT_THAT(error.message, HasSubstr("00002-of-00003.gguf: is part 3 of 3 by its metadata"));
}

TEST_F(Split, a_part_of_another_split_is_refused) {
  write({.number = 1, .count = 4, .tensor = "t1"});
  EXPECT_THAT(open_error().message,
              HasSubstr("is part 2 of 4 by its metadata, wanted part 2 of 3"));
}

TEST_F(Split, a_part_of_another_model_is_refused) {
  write({.number = 1, .tensor = "t1", .architecture = "gemma3"});
  EXPECT_THAT(open_error().message,
              HasSubstr("general.architecture is 'gemma3', in the first part 'llama'"));
}

TEST_F(Split, a_part_that_is_no_part_is_refused) {
  folder_.write(split_name("model", 2, 3), small_file().bytes());
  const Error error = open_error();
  EXPECT_EQ(error.code, ErrorCode::kInvalidFile);
  EXPECT_THAT(error.message, HasSubstr("is no part of a split model"));
}

TEST_F(Split, a_wrong_tensor_count_is_refused) {
  write({.number = 0, .n_tensors = 4, .architecture = "llama"});
  EXPECT_THAT(open_error().message, HasSubstr("hold 3 tensors, split.tensors.count says 4"));
}

TEST_F(Split, a_tensor_in_two_parts_is_refused) {
  write({.number = 1, .tensor = "t0"});
  EXPECT_THAT(open_error().message, HasSubstr("tensor 't0' is there twice"));
}

TEST_F(Split, a_truncated_part_is_refused_by_name) {
  std::filesystem::resize_file(name(3), 100);
  const Error error = open_error();
  EXPECT_EQ(error.code, ErrorCode::kInvalidFile);
  EXPECT_THAT(error.message, HasSubstr("model-00003-of-00003.gguf: "));
}

TEST_F(Split, a_count_beyond_any_model_is_refused) {
  const auto file = part({.count = 20'000}).parse();
  ASSERT_FALSE(file);
  EXPECT_THAT(file.error().message, HasSubstr("'split.count' is 20000, wanted 0 to 10000"));
}

TEST(SplitName, only_the_exact_pattern_is_a_part) {
  const auto name = parse_split_name("dir/m-00002-of-00010.gguf");
  ASSERT_TRUE(name);
  EXPECT_EQ(name->prefix, "dir/m");
  EXPECT_EQ(name->number, 2u);
  EXPECT_EQ(name->count, 10u);
  EXPECT_EQ(split_name("dir/m", 2, 10), "dir/m-00002-of-00010.gguf");
  for (const char* other :
       {"", "m.gguf", "-00001-of-00002.gguf", "m-0001-of-00002.gguf", "m-+0001-of-00002.gguf",
        "m-00001-of-0000x.gguf", "m_00001-of-00002.gguf", "m-00001-of-00002.GGUF"}) {
    EXPECT_FALSE(parse_split_name(other)) << other;
  }
}

}  // namespace
}  // namespace hearth::gguf
