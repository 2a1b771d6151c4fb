#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <limits>

#include "models/convert.h"
#include "tests/models/edited_model.h"
#include "tests/models/fixture.h"

namespace hearth::models {
namespace {

std::vector<float> decoded(const gguf::Tensor& tensor) {
  const quant::TypeInfo& info = quant::type_info(tensor.type);
  std::vector<float> values(tensor.n_values());
  info.decode(tensor.data.data(), values.size() / info.block_size, values.data());
  return values;
}

class ConvertGguf : public testing::Test {
 protected:
  Result<void> convert(const std::string& path, quant::Type type) {
    return convert_gguf(path, out(), {type, {}});
  }
  std::string out() const { return folder_ / "out.gguf"; }

 private:
  ScratchFolder folder_;
};

TEST_F(ConvertGguf, f32_holds_what_every_tensor_decodes_to) {
  const Fixture fixture("llama", quant::Type::kQ8_0);
  ASSERT_TRUE(convert(fixture.path(), quant::Type::kF32));
  const gguf::File before = value_or_fail(gguf::File::open(fixture.path()));
  const gguf::File after = value_or_fail(gguf::File::open(out()));
  ASSERT_EQ(before.tensors().size(), after.tensors().size());
  int n_quantized = 0;
  for (const gguf::Tensor& tensor : before.tensors()) {
    const gguf::Tensor* found = after.find_tensor(tensor.name);
    ASSERT_NE(found, nullptr) << tensor.name;
    EXPECT_EQ(found->type, quant::Type::kF32) << tensor.name;
    EXPECT_EQ(found->dims, tensor.dims) << tensor.name;
    EXPECT_EQ(decoded(*found), decoded(tensor)) << tensor.name;
    n_quantized += tensor.type == quant::Type::kQ8_0;
  }
  EXPECT_GT(n_quantized, 5);
}

TEST_F(ConvertGguf, metadata_stays_but_for_the_file_type) {
  const Fixture fixture("llama", quant::Type::kQ8_0);
  ASSERT_TRUE(convert(fixture.path(), quant::Type::kBF16));
  const gguf::File before = value_or_fail(gguf::File::open(fixture.path()));
  const gguf::File after = value_or_fail(gguf::File::open(out()));
  EXPECT_EQ(after.metadata().entries().size(), before.metadata().entries().size());
  EXPECT_EQ(after.metadata().get_uint("general.file_type", 0, 100).value(), 32u);
  EXPECT_EQ(after.metadata().get_string("general.architecture").value(), "llama");
  for (const gguf::Metadata::Entry& entry : before.metadata().entries())
    EXPECT_TRUE(after.metadata().has(entry.key)) << entry.key;
}

TEST_F(ConvertGguf, the_same_type_gives_the_same_model) {
  const Fixture fixture("qwen3moe", quant::Type::kQ8_0);
  ASSERT_TRUE(convert(fixture.path(), quant::Type::kQ8_0));
  const gguf::File before = value_or_fail(gguf::File::open(fixture.path()));
  const gguf::File after = value_or_fail(gguf::File::open(out()));
  for (const gguf::Tensor& tensor : before.tensors()) {
    const gguf::Tensor* found = after.find_tensor(tensor.name);
    EXPECT_EQ(found->type, tensor.type) << tensor.name;
    EXPECT_TRUE(std::ranges::equal(found->data, tensor.data)) << tensor.name;
  }
}

TEST_F(ConvertGguf, a_weight_that_f16_cannot_hold_is_named_and_nothing_is_left) {
  const Fixture fixture("llama");
  const std::string path = write_edited(
      fixture, {.on_tensors = [](std::vector<EditableTensor>& tensors) {
        const float huge = 1e6f;
        std::memcpy(tensor_named(tensors, "blk.0.ffn_up.weight").bytes.data(), &huge, sizeof huge);
      }});
  const auto converted = convert(path, quant::Type::kF16);
  ASSERT_FALSE(converted);
  EXPECT_NE(converted.error().message.find("blk.0.ffn_up.weight"), std::string::npos);
  EXPECT_NE(converted.error().message.find("bf16"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(out()));
}

TEST_F(ConvertGguf, a_type_that_has_no_encoder_is_refused) {
  const Fixture fixture("llama");
  EXPECT_EQ(convert(fixture.path(), quant::Type::kQ4_K).error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace hearth::models
