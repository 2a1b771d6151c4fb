// Vocabularies as an attacker would write them: an error that names the key, or harmless.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "tests/text/tokenizer_file.h"
#include "text/vocabulary.h"

namespace hearth::text {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

Error error_of(const TokenizerFile& file) {
  auto tokenizer = file.load();
  EXPECT_FALSE(tokenizer) << "was loaded";
  return tokenizer ? Error{} : tokenizer.error();
}

void expect_invalid(const TokenizerFile& file, const char* key, const char* detail) {
  const Error error = error_of(file);
  EXPECT_EQ(error.code, ErrorCode::kInvalidFile);
  EXPECT_THAT(error.message, AllOf(HasSubstr(key), HasSubstr(detail)));
}

// `model` and tokens as in `file`, with one array of another element type or length.
Result<std::unique_ptr<Tokenizer>> load_with_array(std::string_view key, gguf::ValueType type,
                                                   size_t n_elements, size_t element_bytes) {
  gguf::GgufBytes bytes;
  const TokenizerFile file = sentencepiece_file();
  const bool is_scores = key.ends_with("scores");
  bytes.header(0, 4);
  bytes.value("tokenizer.ggml.model", "llama");
  bytes.array("tokenizer.ggml.tokens", gguf::ValueType::kString, file.tokens.size());
  for (const std::string& token : file.tokens) bytes.text(token);
  bytes.array(key, type, n_elements).zeros(n_elements * element_bytes);
  const auto other = is_scores ? gguf::ValueType::kInt32 : gguf::ValueType::kFloat32;
  bytes.array(is_scores ? "tokenizer.ggml.token_type" : "tokenizer.ggml.scores", other,
              file.tokens.size());
  for (const int32_t token_type : file.types) {
    is_scores ? bytes.put(token_type) : bytes.put(0.0f);
  }
  const auto parsed = bytes.parse();
  if (!parsed) return std::unexpected(parsed.error());
  return Tokenizer::from_gguf(parsed->metadata());
}

TEST(HostileVocabulary, arrays_of_the_wrong_type_are_refused) {
  const size_t n = sentencepiece_file().tokens.size();
  const auto scores = load_with_array("tokenizer.ggml.scores", gguf::ValueType::kUint8, n, 1);
  ASSERT_FALSE(scores);
  EXPECT_THAT(scores.error().message, HasSubstr("tokenizer.ggml.scores"));
  const auto types = load_with_array("tokenizer.ggml.token_type", gguf::ValueType::kFloat32, n, 4);
  ASSERT_FALSE(types);
  EXPECT_THAT(types.error().message, HasSubstr("tokenizer.ggml.token_type"));
  // Any integer type may hold token types: there the bytes are read as what they are.
  const auto bytes = load_with_array("tokenizer.ggml.token_type", gguf::ValueType::kUint8, n, 1);
  EXPECT_FALSE(bytes && (*bytes)->kind(0) != TokenKind::kNormal);
}

TEST(HostileVocabulary, arrays_of_the_wrong_length_are_refused) {
  const size_t n = sentencepiece_file().tokens.size();
  for (const size_t wrong : {size_t{0}, n - 1, n + 1}) {
    const auto scores =
        load_with_array("tokenizer.ggml.scores", gguf::ValueType::kFloat32, wrong, 4);
    ASSERT_FALSE(scores);
    EXPECT_THAT(scores.error().message, HasSubstr("tokenizer.ggml.scores has"));
    const auto types =
        load_with_array("tokenizer.ggml.token_type", gguf::ValueType::kInt32, wrong, 4);
    ASSERT_FALSE(types);
    EXPECT_THAT(types.error().message, HasSubstr("tokenizer.ggml.token_type has"));
  }
}

TEST(HostileVocabulary, byte_tokens_that_name_no_byte_are_refused) {
  for (const char* text :
       {"<0x-1>", "<0xZZ>", "<0x1", "<0x100>", "<0x>", "0x41", "", "<0x+1>", "<0x 1>"}) {
    TokenizerFile file = sentencepiece_file();
    file.add(text, kByteType);
    expect_invalid(file, "tokenizer.ggml.tokens[259]", "<0x00> to <0xFF>");
  }
}

TEST(HostileVocabulary, missing_byte_tokens_need_an_unknown_token) {
  TokenizerFile file = sentencepiece_file();
  file.tokens[3 + 0x41] = "gone";
  file.types[3 + 0x41] = kNormalType;
  auto tokenizer = file.load();
  ASSERT_TRUE(tokenizer);
  EXPECT_THAT((*tokenizer)->encode("A", {}).value(), ::testing::Contains(0));
  file.types[0] = kControlType;
  file.numbers = {{"bos_token_id", 1}};
  expect_invalid(file, "tokenizer.ggml.tokens", "<0x41>");
}

TEST(HostileVocabulary, roles_out_of_range_are_refused) {
  for (const char* key :
       {"bos_token_id", "eos_token_id", "unknown_token_id", "eot_token_id", "eom_token_id"}) {
    for (const uint32_t id : {257u, 1u << 31, 0xFFFFFFFEu}) {
      TokenizerFile file = byte_level_file();
      file.numbers = {{key, id}};
      expect_invalid(file, key, "a vocabulary of 257");
    }
  }
  TokenizerFile file = byte_level_file();
  file.numbers = {{"bos_token_id", 0xFFFFFFFF}};  // -1: none
  auto tokenizer = file.load();
  ASSERT_TRUE(tokenizer);
  EXPECT_EQ((*tokenizer)->bos(), std::nullopt);
}

TEST(HostileVocabulary, adding_a_token_that_is_not_named_is_refused) {
  TokenizerFile file = byte_level_file();
  file.flags = {{"add_bos_token", true}};
  expect_invalid(file, "tokenizer.ggml.add_bos_token", "bos_token_id is missing");
  file.flags = {{"add_eos_token", true}};
  expect_invalid(file, "tokenizer.ggml.add_eos_token", "eos_token_id is missing");
}

TEST(HostileVocabulary, token_types_out_of_range_are_refused) {
  for (const int32_t type : {-1, 7, INT32_MAX, INT32_MIN}) {
    TokenizerFile file = byte_level_file();
    file.types[5] = type;
    expect_invalid(file, "tokenizer.ggml.token_type[5]", "expected 0 to 6");
  }
}

TEST(HostileVocabulary, merges_of_unknown_tokens_are_refused) {
  for (const char* merge : {"a", "", " ", "a ", " a", "a b c", "zz a", "a zz", "a b"}) {
    TokenizerFile file = byte_level_file();
    file.merges = {merge};
    expect_invalid(file, "tokenizer.ggml.merges[0]", merge);
  }
}

TEST(HostileVocabulary, a_token_over_64_kib_is_refused) {
  TokenizerFile file = byte_level_file();
  file.add(std::string((64u << 10) + 1, 'a'));
  file.scores.clear();
  EXPECT_THAT(error_of(file).message,
              AllOf(HasSubstr("tokenizer.ggml.tokens"), HasSubstr("65537")));
}

TEST(HostileVocabulary, special_tokens_of_too_much_text_are_refused) {
  for (const int32_t type : {kControlType, kUserDefinedType, kUnknownType}) {
    TokenizerFile file = byte_level_file();  // has 7 bytes of them
    for (size_t i = 0; i < kMaxSpecialBytes / (64u << 10); ++i) {
      file.add(std::string(64u << 10, 'a'), type);
    }
    file.scores.clear();
    const Error error = error_of(file);
    EXPECT_EQ(error.code, ErrorCode::kLimitExceeded);
    EXPECT_THAT(error.message, AllOf(HasSubstr("8388615"), HasSubstr("at most 8388608")));
    file.tokens.back().resize((64u << 10) - 7);
    EXPECT_TRUE(file.load());
  }
}

TEST(HostileVocabulary, an_empty_vocabulary_is_refused) {
  TokenizerFile file;
  expect_invalid(file, "tokenizer.ggml.tokens", "0 tokens");
}

TEST(HostileVocabulary, scores_that_are_no_numbers_are_refused) {
  TokenizerFile file = sentencepiece_file();
  file.add("a", kNormalType, std::numeric_limits<float>::quiet_NaN());
  expect_invalid(file, "tokenizer.ggml.scores", "");
}

TEST(HostileVocabulary, empty_and_duplicate_tokens_do_no_harm) {
  for (TokenizerFile file : {byte_level_file(), sentencepiece_file()}) {
    for (const int32_t type : {kNormalType, kControlType, kUserDefinedType, kUnusedType}) {
      for (const char* text : {"", "", "dup", "dup", "a", "<s>", "\xFF\xFE", "\xE2\x96"}) {
        file.add(text, type);
      }
    }
    if (file.model == "gpt2") file.scores.clear();
    auto tokenizer = file.load();
    ASSERT_TRUE(tokenizer) << tokenizer.error().message;
    for (const char* text : {"", "dup", "adup<s>", "\xFF\xFE\xE2\x96", "  "}) {
      const auto ids = (*tokenizer)->encode(text, {.parse_special = true});
      ASSERT_TRUE(ids);
      EXPECT_EQ((*tokenizer)->decode(*ids, true), text);
    }
    EXPECT_TRUE((*tokenizer)->find("dup"));
  }
}

TEST(HostileVocabulary, unknown_kinds_are_named_with_the_known_ones) {
  TokenizerFile file = byte_level_file();
  file.pre = "quantum";
  Error error = error_of(file);
  EXPECT_EQ(error.code, ErrorCode::kUnsupported);
  EXPECT_THAT(error.message, AllOf(HasSubstr("quantum"), HasSubstr("llama-bpe")));
  file.model = "bert";
  error = error_of(file);
  EXPECT_EQ(error.code, ErrorCode::kUnsupported);
  EXPECT_THAT(error.message, AllOf(HasSubstr("bert"), HasSubstr("gpt2, llama")));
}

// A merge whose result comes before its parts, cycles, and a token merged with itself.
TEST(HostileVocabulary, merges_in_a_senseless_order_end) {
  std::mt19937 random(1);
  for (int round = 0; round < 100; ++round) {
    TokenizerFile file = byte_level_file();
    std::vector<std::string> texts = {"a", "b"};
    for (int i = 0; i < 30; ++i) {
      const std::string left = texts[random() % texts.size()];
      const std::string right = texts[random() % texts.size()];
      file.add(left + right);
      file.merges.push_back(left + " " + right);
      texts.push_back(left + right);
    }
    file.scores.clear();
    std::shuffle(file.merges.begin(), file.merges.end(), random);
    auto tokenizer = file.load();
    ASSERT_TRUE(tokenizer) << tokenizer.error().message;
    std::string text(1 + random() % 300, 'a');
    for (char& c : text) c = "ab"[random() % 2];
    const auto ids = (*tokenizer)->encode(text, {});
    ASSERT_TRUE(ids);
    ASSERT_EQ((*tokenizer)->decode(*ids, false), text);
  }
}

}  // namespace
}  // namespace hearth::text
