#include "gguf/safetensors.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "tests/support/scratch_folder.h"

namespace hearth::gguf {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

template <class T>
std::string raw(T value) {
  std::string out(sizeof value, '\0');
  std::memcpy(out.data(), &value, sizeof value);
  return out;
}

std::string file_of(std::string_view header, std::string_view data) {
  return raw<uint64_t>(header.size()) + std::string(header) + std::string(data);
}

std::string row(std::string_view name, std::string_view type, std::string_view shape,
                std::string_view range) {
  return fmt::format(R"("{}":{{"dtype":"{}","shape":[{}],"data_offsets":[{}]}})", name, type, shape,
                     range);
}

std::string small_file() {
  const std::string header =
      "{" + row("b", "F16", "2", "24,28") + "," + row("a", "F32", "2,3", "0,24") + "," +
      row("empty", "I64", "0", "28,28") + "," + row("scalar", "F64", "", "28,36") +
      R"(,"__metadata__":{"format":"pt"}}   )";
  std::string data;
  for (int i = 0; i < 6; ++i) data += raw(static_cast<float>(i) + 0.5f);
  return file_of(header, data + raw<uint16_t>(0x3C00) + raw<uint16_t>(0xC000) + raw(-0.25));
}

Result<Safetensors> parse(std::string_view bytes) {
  return Safetensors::parse(std::as_bytes(std::span(bytes)));
}

std::vector<float> floats(const Safetensor& tensor, uint64_t first, size_t n) {
  std::vector<float> out(n);
  const auto read = read_floats(tensor, first, out);
  EXPECT_TRUE(read) << read.error().message;
  return out;
}

TEST(Safetensors, tensors_know_their_shape_and_values) {
  const std::string bytes = small_file();
  const auto file = parse(bytes);
  ASSERT_TRUE(file) << file.error().message;
  ASSERT_EQ(file->tensors().size(), 4u);
  EXPECT_EQ(file->tensors()[0].name, "a");
  const Safetensor& a = *file->find("a");
  EXPECT_EQ(a.type, SafetensorType::kF32);
  EXPECT_THAT(a.shape, ElementsAre(2, 3));
  EXPECT_EQ(a.n_values(), 6u);
  EXPECT_THAT(floats(a, 1, 3), ElementsAre(1.5f, 2.5f, 3.5f));
  EXPECT_THAT(floats(*file->find("b"), 0, 2), ElementsAre(1.0f, -2.0f));
  EXPECT_THAT(floats(*file->find("scalar"), 0, 1), ElementsAre(-0.25f));
  EXPECT_EQ(file->find("empty")->n_values(), 0u);
  EXPECT_EQ(file->find("c"), nullptr);
}

TEST(Safetensors, every_dtype_has_its_size) {
  for (const auto& [name, n_bytes] : std::vector<std::pair<std::string, size_t>>{{"F64", 8},
                                                                                 {"F32", 4},
                                                                                 {"F16", 2},
                                                                                 {"BF16", 2},
                                                                                 {"F8_E4M3", 1},
                                                                                 {"F8_E5M2", 1},
                                                                                 {"I64", 8},
                                                                                 {"I32", 4},
                                                                                 {"I16", 2},
                                                                                 {"I8", 1},
                                                                                 {"U8", 1},
                                                                                 {"BOOL", 1},
                                                                                 {"U16", 2},
                                                                                 {"U32", 4},
                                                                                 {"U64", 8}}) {
    const std::string bytes =
        file_of("{" + row("t", name, "3", fmt::format("0,{}", 3 * n_bytes)) + "}",
                std::string(3 * n_bytes, 'x'));
    const auto file = parse(bytes);
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_EQ(safetensor_type_name(file->tensors()[0].type), name);
    EXPECT_EQ(file->tensors()[0].n_values(), 3u);
  }
}

TEST(Safetensors, bfloat16_is_exact_and_integers_are_no_floats) {
  const std::string bytes =
      file_of("{" + row("b", "BF16", "2", "0,4") + "," + row("i", "I32", "1", "4,8") + "}",
              raw<uint16_t>(0x3F80) + raw<uint16_t>(0xFF80) + raw<int32_t>(1));
  const auto file = parse(bytes);
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_THAT(floats(*file->find("b"), 0, 2), ElementsAre(1.0f, -HUGE_VALF));
  std::vector<float> out(1);
  const auto as_floats = read_floats(*file->find("i"), 0, out);
  ASSERT_FALSE(as_floats);
  EXPECT_EQ(as_floats.error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(read_floats(*file->find("b"), 2, out).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(read_floats(*file->find("b"), ~0ull, out).error().code, ErrorCode::kInvalidArgument);
}

struct Bad {
  const char* what;
  ErrorCode code;
  const char* message;
  std::string bytes;
};

std::vector<Bad> bad_files() {
  const auto one = [](std::string_view text, size_t n_bytes = 8) {
    return file_of(text, std::string(n_bytes, 'x'));
  };
  const auto tensor = [&](std::string_view type, std::string_view shape, std::string_view range) {
    return one("{" + row("t", type, shape, range) + "}");
  };
  constexpr auto kInvalid = ErrorCode::kInvalidFile;
  return {
      {"empty_file", kInvalid, "safetensors header needs 8 bytes", ""},
      {"header_2_to_64", kInvalid, "claims 18446744073709551615 bytes", raw(~0ull) + "{}"},
      {"header_past_the_end", kInvalid, "claims 100 bytes, but 2 are left", raw(100ull) + "{}"},
      {"not_json", kInvalid, "header starts with 'hello'", file_of("hello", "")},
      {"gguf", kInvalid, "damaged or incomplete",
       std::string("GGUF\3\0\0\0", 8) + std::string(50, 0)},
      {"json_cut", kInvalid, "not valid JSON at byte", file_of("{\"a\":", "")},
      {"json_then_more", kInvalid, "not valid JSON", file_of("{}{}", "")},
      {"bytes_of_no_tensor", kInvalid, "end at byte 0 of the data, the file has 8", one("{}")},
      {"deep_nesting", kInvalid, "an object where none belongs",
       file_of("{\"__metadata__\":{\"x\":" + std::string(100'000, '{'), "")},
      {"deep_lists", kInvalid, "an array where none belongs",
       file_of("{\"t\":{\"shape\":" + std::string(100'000, '['), "")},
      {"unknown_dtype", ErrorCode::kUnsupported, "tensor 't': dtype 'F4'",
       tensor("F4", "8", "0,8")},
      {"size_wraps", kInvalid, "does not fit 64 bits",
       tensor("F32", "4294967296,4294967296", "0,8")},
      {"size_wraps_to_right", kInvalid, "does not fit 64 bits",
       tensor("F32", "4611686018427387906", "0,8")},
      {"shape_of_other_size", kInvalid, "shape [3] of F32 has 12 bytes", tensor("F32", "3", "0,8")},
      {"negative_dimension", kInvalid, "a negative number where none", tensor("F32", "-2", "0,8")},
      {"fraction", kInvalid, "a fraction where none", tensor("F32", "2.0", "0,8")},
      {"dimension_over_64_bits", kInvalid, "a fraction where none",
       tensor("F32", "18446744073709551616", "0,8")},
      {"offsets_backwards", kInvalid, "the tensors end at byte 0", tensor("F32", "0", "0,0")},
      {"range_backwards", kInvalid, "starts at byte 8", tensor("F32", "2", "8,0")},
      {"range_past_the_end", kInvalid, "end at byte 16 of the data, the file has 8",
       tensor("F32", "4", "0,16")},
      {"hole", kInvalid, "starts at byte 4 of the data, the one before it ends at 0",
       tensor("F32", "1", "4,8")},
      {"overlap", kInvalid, "starts at byte 4 of the data, the one before it ends at 8",
       one("{" + row("a", "F32", "2", "0,8") + "," + row("b", "F32", "1", "4,8") + "}")},
      {"tensor_twice", kInvalid, "tensor 't' is there twice",
       one("{" + row("t", "F32", "1", "0,4") + "," + row("t", "F32", "1", "4,8") + "}")},
      {"one_offset", kInvalid, "needs dtype, shape and two data_offsets", tensor("F32", "2", "0")},
      {"three_offsets", kInvalid, "more than two data_offsets", tensor("F32", "2", "0,8,8")},
      {"nine_dimensions", kInvalid, "too many dimensions",
       tensor("F32", "2,1,1,1,1,1,1,1,1", "0,8")},
      {"no_fields", kInvalid, "tensor 't': needs dtype", one("{\"t\":{}}")},
      {"field_twice", kInvalid, "unknown or repeated field 'dtype'",
       one(R"({"t":{"dtype":"F32","dtype":"F32"}})")},
      {"unknown_field", kInvalid, "unknown or repeated field 'extra'",
       one(R"({"t":{"extra":"F32"}})")},
      {"dtype_of_number", kInvalid, "a number where none", one(R"({"t":{"dtype":1}})")},
      {"shape_of_string", kInvalid, "a string where none", one(R"({"t":{"shape":"2"}})")},
      {"shape_of_null", kInvalid, "null where none", one(R"({"t":{"shape":null}})")},
      {"tensor_of_number", kInvalid, "a number where none", one(R"({"t":5})")},
      {"list_at_top", kInvalid, "header starts with '[]'", file_of("[]", "")},
      {"empty_name", kInvalid, "tensor name '' is empty", one(R"({"":{}})")},
      {"nul_in_name", kInvalid, "holds a NUL byte", one(R"({"a\u0000b":{}})")},
      {"invalid_utf8", kInvalid, "not valid JSON", one("{\"a\xFF\":{}}")},
      {"metadata_of_numbers", kInvalid, "a number where none", one(R"({"__metadata__":{"a":1}})")},
  };
}

class BadSafetensors : public testing::TestWithParam<Bad> {};

TEST_P(BadSafetensors, is_refused) {
  const auto file = parse(GetParam().bytes);
  ASSERT_FALSE(file);
  EXPECT_EQ(static_cast<int>(file.error().code), static_cast<int>(GetParam().code));
  EXPECT_THAT(file.error().message, HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(header, BadSafetensors, testing::ValuesIn(bad_files()),
                         [](const auto& bad) { return std::string(bad.param.what); });

TEST(Safetensors, every_truncation_is_an_error) {
  const std::string whole = small_file();
  for (size_t n = 0; n < whole.size(); ++n) {
    const std::vector<char> cut(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(n));
    ASSERT_FALSE(parse({cut.data(), cut.size()})) << n;
  }
}

TEST(Safetensors, bit_flips_crash_nothing) {
  std::string bytes = small_file();
  std::mt19937 random(11);
  size_t n_loaded = 0;
  for (int i = 0; i < 20'000; ++i) {
    const size_t place = random() % (bytes.size() * 8);
    bytes[place / 8] = static_cast<char>(bytes[place / 8] ^ 1 << place % 8);
    if (const auto file = parse(bytes)) {
      ++n_loaded;
      for (const Safetensor& t : file->tensors()) {
        std::vector<float> out(t.n_values());
        EXPECT_TRUE(read_floats(t, 0, out) || t.type > SafetensorType::kBF16);
      }
    }
    bytes[place / 8] = static_cast<char>(bytes[place / 8] ^ 1 << place % 8);
  }
  EXPECT_GT(n_loaded, 1000u);
}

class SafetensorsFolder : public testing::Test {
 protected:
  void SetUp() override {
    folder_.write("model-1.safetensors", file_of("{" + row("a", "F32", "1", "0,4") + "," +
                                                     row("tied", "F32", "1", "4,8") + "}",
                                                 raw(1.0f) + raw(2.0f)));
    folder_.write("model-2.safetensors", file_of("{" + row("b", "F32", "1", "0,4") + "," +
                                                     row("tied", "F32", "1", "4,8") + "}",
                                                 raw(3.0f) + raw(4.0f)));
  }
  void index(std::string_view map) {
    folder_.write(
        "model.safetensors.index.json",
        fmt::format(R"({{"metadata":{{"total_size":16,"x":[[null,-1,0.5,true]]}},{}}})", map));
  }
  Error open_error() const {
    const auto model = Safetensors::open(folder_.path().string());
    EXPECT_FALSE(model);
    return model ? Error{} : model.error();
  }

  ScratchFolder folder_;
};

TEST_F(SafetensorsFolder, shards_read_as_one_model) {
  index(R"("weight_map":{"a":"model-1.safetensors","b":"model-2.safetensors",)"
        R"("tied":"model-2.safetensors"})");
  const auto model = Safetensors::open(folder_.path().string());
  ASSERT_TRUE(model) << model.error().message;
  ASSERT_EQ(model->tensors().size(), 3u);
  EXPECT_THAT(floats(*model->find("a"), 0, 1), ElementsAre(1.0f));
  EXPECT_THAT(floats(*model->find("b"), 0, 1), ElementsAre(3.0f));
  EXPECT_THAT(floats(*model->find("tied"), 0, 1), ElementsAre(4.0f));
}

TEST_F(SafetensorsFolder, one_file_needs_no_index) {
  folder_.write("model.safetensors", small_file());
  for (const std::string& path : {folder_.path().string(), folder_ / "model.safetensors"}) {
    const auto model = Safetensors::open(path);
    ASSERT_TRUE(model) << model.error().message;
    EXPECT_THAT(floats(*model->find("a"), 5, 1), ElementsAre(5.5f));
  }
}

TEST_F(SafetensorsFolder, a_shard_name_may_not_leave_the_folder) {
  for (const char* name :
       {"../model-1.safetensors", "/etc/x.safetensors", "sub/x.safetensors", "..\\\\x.safetensors",
        ".safetensors", "..", "", "model-1.bin", "x\\u0000.safetensors"}) {
    index(fmt::format(R"("weight_map":{{"a":"{}"}})", name));
    const Error error = open_error();
    EXPECT_EQ(error.code, ErrorCode::kInvalidFile) << name;
    EXPECT_THAT(error.message, HasSubstr("wanted a plain name")) << name;
  }
}

TEST_F(SafetensorsFolder, a_missing_shard_or_tensor_is_named) {
  index(R"("weight_map":{"a":"model-3.safetensors"})");
  EXPECT_EQ(open_error().code, ErrorCode::kNotFound);
  EXPECT_THAT(open_error().message, HasSubstr("model-3.safetensors"));
  index(R"("weight_map":{"c":"model-1.safetensors"})");
  EXPECT_EQ(open_error().code, ErrorCode::kInvalidFile);
  EXPECT_THAT(open_error().message, HasSubstr("model-1.safetensors: tensor 'c' is not there"));
}

TEST_F(SafetensorsFolder, a_broken_index_is_refused) {
  EXPECT_THAT(open_error().message, HasSubstr("has neither model.safetensors nor"));
  const std::pair<const char*, const char*> cases[] = {
      {R"("weight_map":{"a":"model-1.safetensors","a":"model-2.safetensors"})",
       "'a' is there twice"},
      {R"("weight_map":{},"weight_map":{})", "weight_map is there twice"},
      {R"("weight_map":["a"])", "an array where none belongs"},
      {R"("weight_map":3)", "a number where none belongs"},
      {R"("weight_map":{"a":{"b":"c"}})", "an object where none belongs"},
      {R"("weight_map":{"a":1})", "a number where none belongs"},
      {R"("other":1)", "there is no weight_map"},
      {R"("other":[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]])", "nested deeper than 16"},
      {R"("weight_map":{"":"model-1.safetensors"})", "tensor name '' is empty"},
  };
  for (const auto& [map, message] : cases) {
    index(map);
    EXPECT_THAT(open_error().message, HasSubstr(message)) << map;
  }
}

}  // namespace
}  // namespace hearth::gguf
