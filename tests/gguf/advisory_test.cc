// Published attacks on GGUF readers, each with the input that it used: a typed error that says what
// is wrong.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cmath>
#include <limits>

#include "gguf/file.h"
#include "tests/gguf/gguf_bytes.h"
#include "tests/support/scratch_folder.h"

namespace hearth::gguf {
namespace {

using testing::HasSubstr;

struct Attack {
  const char* advisory;  // the test's name
  ErrorCode code;
  const char* message;  // a part of it
  GgufBytes bytes;
};

constexpr auto kInvalid = ErrorCode::kInvalidFile;
constexpr auto kTooMuch = ErrorCode::kLimitExceeded;
constexpr auto kUnsupported = ErrorCode::kUnsupported;
constexpr uint64_t kHuge = ~uint64_t{0};

GgufBytes counts(uint64_t n_tensors, uint64_t n_entries) {
  return GgufBytes().header(n_tensors, n_entries);
}

// A file of one tensor and n_bytes of data.
GgufBytes one_tensor(std::initializer_list<uint64_t> dims, uint32_t type, size_t n_bytes = 64,
                     uint64_t offset = 0) {
  return GgufBytes()
      .header(1, 0)
      .tensor("token_embd.weight", dims, type, offset)
      .align()
      .zeros(n_bytes);
}

GgufBytes two_tensors(std::string_view first, uint64_t first_offset, std::string_view second,
                      uint64_t second_offset) {
  GgufBytes out;
  out.header(2, 0).tensor(first, {16}, kF32, first_offset);
  return out.tensor(second, {16}, kF32, second_offset).align().zeros(256);
}

GgufBytes n_dims(uint32_t n) {
  GgufBytes out;
  out.header(1, 0).text("t").put(n);
  for (int i = 0; i < 8; ++i) out.put<uint64_t>(1);
  return out.zeros(64);
}

template <class T>
GgufBytes alignment(ValueType type, T value) {
  return GgufBytes().header(0, 1).value("general.alignment", type, value);
}

GgufBytes string_of_length(uint64_t length) {
  return GgufBytes().header(0, 1).key("k", ValueType::kString).put(length).zeros(64);
}

GgufBytes array_of(ValueType type, uint64_t size, size_t n_bytes = 64) {
  return GgufBytes().header(0, 1).array("tokenizer.ggml.tokens", type, size).zeros(n_bytes);
}

GgufBytes nested_arrays() {
  GgufBytes out;
  out.header(0, 1).key("k", ValueType::kArray);
  for (int i = 0; i < 100'000; ++i) out.put(ValueType::kArray).put<uint64_t>(1);
  return out;
}

GgufBytes named_key(std::string_view key) {
  return GgufBytes().header(0, 1).value<uint64_t>(key, ValueType::kUint64, 0);
}

GgufBytes named_tensor(std::string_view name) {
  return GgufBytes().header(1, 0).tensor(name, {1}, kF32, 0).align().zeros(4);
}

// Sizes and offsets whose sums wrap to something small.
std::vector<Attack> size_attacks() {
  constexpr uint64_t k2To60 = 1ull << 60;
  constexpr uint64_t k2To63 = 1ull << 63;
  return {
      {"CVE_2024_23605_keys_2_to_60", kInvalid, "number of metadata keys", counts(0, k2To60)},
      {"CVE_2024_23605_keys_2_to_63", kInvalid, "number of metadata keys", counts(0, k2To63)},
      {"CVE_2024_23605_keys_2_to_64", kInvalid, "number of metadata keys", counts(0, kHuge)},
      {"CVE_2024_23605_keys_wrap", kInvalid, "metadata keys", counts(0, kHuge / 48 + 1)},
      {"CVE_2024_21836_tensors_2_to_60", kInvalid, "number of tensors", counts(k2To60, 0)},
      {"CVE_2024_21836_tensors_2_to_63", kInvalid, "number of tensors", counts(k2To63, 0)},
      {"CVE_2024_21836_tensors_2_to_64", kInvalid, "number of tensors", counts(kHuge, 0)},
      {"CVE_2024_21836_tensors_wrap", kInvalid, "number of tensors", counts(kHuge / 88 + 1, 0)},
      {"CVE_2024_21802_no_dimensions", kInvalid, "has 0 dimensions, wanted 1 to 4", n_dims(0)},
      {"CVE_2024_21802_5_dimensions", kInvalid, "has 5 dimensions, wanted 1 to 4", n_dims(5)},
      {"CVE_2024_21802_n_dims_2_to_32", kInvalid, "4294967295 dimensions", n_dims(~0u)},
      {"CVE_2024_21802_dim_0", kInvalid, "has a dimension of 0", one_tensor({32, 0}, kF32)},
      {"CVE_2024_21802_dim_minus_1", kInvalid, "64 bits", one_tensor({32, kHuge}, kF32)},
      {"CVE_2024_21802_dim_2_to_63", kInvalid, "64 bits", one_tensor({32, k2To63}, kF32)},
      {"CVE_2025_53630_padded_sizes_wrap", kInvalid, "tensor 'a'",
       GgufBytes()
           .header(2, 0)
           .tensor("a", {(k2To63 - 32) / 4}, kF32, 0)
           .tensor("b", {(k2To63 - 32) / 4}, kF32, k2To63 - 32)
           .align()
           .zeros(64)},
      {"CVE_2025_53630_offset_wraps", kInvalid, "does not fit 64 bits",
       one_tensor({8}, kF32, 64, kHuge - 31)},
      {"CVE_2026_27940_q4_0_wraps_to_4_bytes", kInvalid,
       "tensor 'token_embd.weight': ", one_tensor({32, k2To63 / 8}, kQ4_0)},
      {"CVE_2026_33298_q8_0_wraps", kInvalid,
       "tensor 'token_embd.weight': ", one_tensor({32, 1ull << 58, 32}, kQ8_0)},
      {"GGML_PAD_size_max_over_4", kInvalid, "tensor 'token_embd.weight': its data needs",
       one_tensor({kHuge / 4}, kF32, 128)},
      {"GGML_PAD_2_to_63_less_3", kInvalid, "does not fit 64 bits",
       one_tensor({k2To63 - 3}, kF32, 128)},
      {"llama_cpp_18674_dim_2_to_42_plus_1", kInvalid, "tensor 'token_embd.weight': its data needs",
       one_tensor({2048, (1ull << 42) + 1}, kQ8_0)},
      {"CVE_2026_7482_data_10_times_the_file", kInvalid, "incomplete, get it again",
       one_tensor({320}, kF16)},
      {"CVE_2026_7482_data_1_byte_past_the_end", kInvalid, "needs 64 bytes",
       one_tensor({32}, kF16, 63)},
      {"MLX_62608_offset_past_the_end", kInvalid, "its data needs", one_tensor({1}, kF32, 64, 96)},
      {"overlapping_tensors", kInvalid, "tensors 'a' and 'b' overlap",
       two_tensors("a", 0, "b", 32)},
      {"tensors_at_one_place", kInvalid, "overlap", two_tensors("a", 64, "b", 64)},
      {"unaligned_offset", kInvalid, "offset 4 is no multiple of the alignment 32",
       one_tensor({1}, kF32, 64, 4)},
      {"row_that_blocks_do_not_divide", kInvalid, "blocks of 32 values do not divide",
       one_tensor({33}, kQ8_0)},
  };
}

std::vector<Attack> value_attacks() {
  return {
      {"CVE_2024_23496_string_2_to_64", kInvalid, "string at byte 37 claims 18446744073709551615",
       string_of_length(kHuge)},
      {"CVE_2024_23496_string_1_byte_too_long", kInvalid, "claims 65 bytes, but 64 are left",
       string_of_length(65)},
      {"CVE_2024_21825_array_of_strings_past_the_end", kInvalid, "text in an array",
       array_of(ValueType::kString, 8, 40).put<uint64_t>(3).zeros(16)},
      {"CVE_2024_41130_empty_key", kInvalid, "metadata key '' is empty", named_key("")},
      {"CVE_2024_39720_four_bytes", kInvalid, "ends after 4 bytes", GgufBytes().raw("GGUF")},
      {"CVE_2025_0315_array_of_a_tebibyte", kInvalid, "more than the 64 bytes after it can hold",
       array_of(ValueType::kUint8, 1ull << 40)},
      {"CVE_2025_49847_token_of_2_to_31_bytes", kInvalid, "claims 2147483648 bytes",
       array_of(ValueType::kString, 1, 0).put<uint64_t>(1ull << 31).zeros(64)},
      {"CVE_2025_49847_token_over_64_kib", kTooMuch, "has 65537 bytes, the limit is 65536",
       array_of(ValueType::kString, 1, 0).put<uint64_t>(65'537).zeros(65'537)},
      {"CVE_2025_66959_version_1", kUnsupported, "GGUF version 1", GgufBytes().header(0, 0, 1)},
      {"gguf_py_27188_array_of_2_to_63", kInvalid, "array length at byte",
       array_of(ValueType::kUint8, 1ull << 63)},
      {"CVE_2026_V_01_alignment_2_to_31", kInvalid, "wanted a power of two from 8 to 65536",
       alignment(ValueType::kUint32, 0x80000000u)},
      {"CVE_2025_0317_alignment_0", kInvalid, "general.alignment is 0",
       alignment(ValueType::kUint32, 0u)},
      {"CVE_2026_V_01_alignment_3", kInvalid, "general.alignment is 3",
       alignment(ValueType::kUint32, 3u)},
      {"CVE_2026_V_01_alignment_2_to_20_plus_1", kInvalid, "general.alignment is 1048577",
       alignment(ValueType::kUint32, (1u << 20) + 1)},
      {"CVE_2026_V_01_alignment_int32", kInvalid, "general.alignment is int32, wanted uint32",
       alignment(ValueType::kInt32, 32)},
      {"CVE_2026_V_01_alignment_string", kInvalid, "general.alignment is string, wanted uint32",
       GgufBytes().header(0, 1).value("general.alignment", "32")},
      {"arrays_in_arrays", kUnsupported, "array of arrays", nested_arrays()},
      {"key_twice", kInvalid, "metadata key 'k' is there twice",
       GgufBytes().header(0, 2).value("k", "1").value("k", "2")},
      {"tensor_twice", kInvalid, "tensor 'a' is there twice", two_tensors("a", 0, "a", 64)},
      {"key_with_nul", kInvalid, "holds a NUL byte", named_key({"a\0b", 3})},
      {"key_not_utf8", kInvalid, "is not valid UTF-8", named_key("a\xC0\x80")},
      {"key_too_long", kTooMuch, "limit is 65535", named_key(std::string(65'536, 'k'))},
      {"tensor_name_empty", kInvalid, "tensor name '' is empty", named_tensor("")},
      {"tensor_name_with_nul", kInvalid, "holds a NUL byte", named_tensor({"a\0b", 3})},
      {"tensor_name_not_utf8", kInvalid, "is not valid UTF-8", named_tensor("\xFF")},
      {"tensor_name_too_long", kTooMuch, "limit is 127", named_tensor(std::string(128, 't'))},
      {"terminal_escape_in_a_name", kInvalid, "tensor '\uFFFD[2J': has",
       GgufBytes().header(1, 0).tensor("\x1B[2J", {}, kF32, 0).zeros(64)},
      {"unknown_value_type", kInvalid, "unknown value type 13",
       GgufBytes().header(0, 1).value("k", static_cast<ValueType>(13), 0)},
      {"unknown_element_type", kInvalid, "unknown value type 4294967295",
       array_of(static_cast<ValueType>(~0u), 1)},
      {"bool_of_2", kInvalid, "metadata key 'k': a bool is 0 or 1, found 2",
       GgufBytes().header(0, 1).value<uint8_t>("k", ValueType::kBool, 2)},
      {"bool_of_255_in_an_array", kInvalid, "a bool is 0 or 1, found 255",
       array_of(ValueType::kBool, 2, 0).put<uint8_t>(1).put<uint8_t>(255)},
      {"unknown_tensor_type", kUnsupported, "tensor 'token_embd.weight': type id 9999",
       one_tensor({32}, 9999)},
      {"removed_tensor_type", kUnsupported, "type id 31", one_tensor({32}, 31)},
      {"empty_file", kInvalid, "the file is empty", GgufBytes()},
      {"not_gguf", kInvalid, "not a GGUF file: it starts with 'PK\uFFFD\uFFFD'",
       GgufBytes().raw("PK\x03\x04").zeros(64)},
      {"ggml_of_old", kInvalid, "an older GGML format", GgufBytes().raw("tjgg").zeros(64)},
      {"big_endian", kUnsupported, "gguf_convert_endian", GgufBytes().header(0, 0, 0x03000000)},
      {"version_0", kInvalid, "GGUF version 0", GgufBytes().header(0, 0, 0)},
      {"version_4", kUnsupported, "GGUF version 4", GgufBytes().header(0, 0, 4)},
  };
}

class Advisory : public testing::TestWithParam<Attack> {};

TEST_P(Advisory, is_refused) {
  const Attack& attack = GetParam();
  const auto file = attack.bytes.parse();
  ASSERT_FALSE(file);
  EXPECT_EQ(static_cast<int>(file.error().code), static_cast<int>(attack.code));
  EXPECT_THAT(file.error().message, HasSubstr(attack.message));
}

std::string name_of(const testing::TestParamInfo<Attack>& info) { return info.param.advisory; }

INSTANTIATE_TEST_SUITE_P(size, Advisory, testing::ValuesIn(size_attacks()), name_of);
INSTANTIATE_TEST_SUITE_P(value, Advisory, testing::ValuesIn(value_attacks()), name_of);

TEST(Advisories, claimed_sizes_take_no_memory) {
  rusage before;
  ASSERT_EQ(getrusage(RUSAGE_SELF, &before), 0);
  for (const uint64_t claim : {kHuge >> 32, kHuge >> 24, kHuge >> 4, kHuge}) {
    for (uint32_t type = 0; type <= 12; ++type) {
      EXPECT_FALSE(array_of(static_cast<ValueType>(type), claim).parse());
    }
    EXPECT_FALSE(counts(claim, 0).parse());
    EXPECT_FALSE(counts(0, claim).parse());
    EXPECT_FALSE(string_of_length(claim).parse());
    EXPECT_FALSE(one_tensor({claim}, kF32).parse());
  }
  rusage after;
  ASSERT_EQ(getrusage(RUSAGE_SELF, &after), 0);
  EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 64 << 10);  // KiB
}

Metadata metadata_of(const GgufBytes& bytes) {
  auto file = bytes.parse();
  EXPECT_TRUE(file) << file.error().message;
  return file->metadata();
}

Error block_count_error(const GgufBytes& bytes) {
  const auto count = metadata_of(bytes).get_uint("llama.block_count", 1, 512);
  EXPECT_FALSE(count);
  return count ? Error{} : count.error();
}

TEST(Advisories, GHSA_2xf2_gjm6_g2c6_block_count_of_another_type) {
  const auto with = [](ValueType type, auto value) {
    return GgufBytes().header(0, 1).value("llama.block_count", type, value);
  };
  EXPECT_THAT(block_count_error(GgufBytes().header(0, 1).value("llama.block_count", "32")).message,
              HasSubstr("metadata key 'llama.block_count' is string, wanted an integer"));
  EXPECT_THAT(block_count_error(with(ValueType::kFloat32, std::nanf(""))).message,
              HasSubstr("is float32, wanted an integer"));
  EXPECT_THAT(block_count_error(with(ValueType::kUint32, 0u)).message,
              HasSubstr("is 0, wanted 1 to 512"));
  EXPECT_THAT(block_count_error(with(ValueType::kInt32, -1)).message,
              HasSubstr("is -1, wanted 1 to 512"));
  EXPECT_EQ(block_count_error(with(ValueType::kBool, uint8_t{1})).code, kInvalid);
}

TEST(Advisories, llama_cpp_25821_block_count_beyond_any_array) {
  for (const uint32_t count : {513u, 1u << 31}) {
    const auto bytes =
        GgufBytes().header(0, 1).value("llama.block_count", ValueType::kUint32, count);
    EXPECT_THAT(block_count_error(bytes).message, HasSubstr("wanted 1 to 512"));
  }
}

TEST(Advisories, llama_cpp_26690_scores_of_another_type) {
  const auto bytes = GgufBytes()
                         .header(0, 2)
                         .array("tokenizer.ggml.scores", ValueType::kUint8, 64)
                         .zeros(64)
                         .array("tokenizer.ggml.token_type", ValueType::kFloat32, 2)
                         .zeros(8);
  const Metadata metadata = metadata_of(bytes);
  const auto scores = metadata.get_floats("tokenizer.ggml.scores");
  ASSERT_FALSE(scores);
  EXPECT_EQ(scores.error().code, kInvalid);
  EXPECT_THAT(scores.error().message, HasSubstr("is array of uint8, wanted array of float32"));
  const auto types = metadata.get_ints("tokenizer.ggml.token_type");
  ASSERT_FALSE(types);
  EXPECT_THAT(types.error().message, HasSubstr("is array of float32, wanted array of integers"));
  EXPECT_FALSE(metadata.get_strings("tokenizer.ggml.scores"));
}

TEST(Advisories, numbers_that_are_not_finite_are_no_numbers) {
  for (const double bad : {std::nan(""), HUGE_VAL, -HUGE_VAL, 1e300}) {
    const auto bytes = GgufBytes()
                           .header(0, 2)
                           .value("eps", ValueType::kFloat64, bad)
                           .array("scores", ValueType::kFloat64, 2)
                           .put(1.0)
                           .put(bad);
    const Metadata metadata = metadata_of(bytes);
    EXPECT_THAT(metadata.get_float("eps", 0, 1).error().message, HasSubstr("wanted 0 to 1"));
    EXPECT_THAT(metadata.get_floats("scores").error().message,
                HasSubstr("element 1: not a finite float32"));
  }
}

TEST(Advisories, CVE_2024_39721_what_is_no_file_is_refused_at_once) {
  const ScratchFolder folder;
  ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);
  for (const std::string& path : {std::string("/dev/random"), std::string("/dev/zero"),
                                  folder / "pipe", folder.path().string()}) {
    const auto file = File::open(path);
    ASSERT_FALSE(file) << path;
    EXPECT_EQ(file.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(file.error().message, path + ": not a regular file");
  }
  EXPECT_EQ(File::open(folder / "none").error().code, ErrorCode::kNotFound);
  EXPECT_THAT(File::open(folder.write("four", "GGUF")).error().message,
              testing::StartsWith((folder / "four") + ": the file ends after 4 bytes"));
}

}  // namespace
}  // namespace hearth::gguf
