// Ids of small vocabularies against the reference libraries'; data made by
// tests/make_tokenizer_fixtures.py.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <span>

#include "gguf/file.h"
#include "text/normalizer.h"
#include "text/tokenizer.h"

namespace hearth::text {
namespace {

std::string read_data(const std::string& name) {
  std::ifstream file(std::string(HEARTH_TEST_DIR "/data/text/") + name, std::ios::binary);
  EXPECT_TRUE(file) << name;
  return {std::istreambuf_iterator<char>(file), {}};
}

uint32_t number_at(const std::string& data, size_t at) {
  uint32_t value;
  std::memcpy(&value, data.data() + at, sizeof value);
  return value;
}

std::vector<std::string> read_strings(const std::string& name) {
  const std::string data = read_data(name);
  std::vector<std::string> strings;
  for (size_t at = 0; at < data.size();) {
    const uint32_t n_bytes = number_at(data, at);
    strings.push_back(data.substr(at + 4, n_bytes));
    at += 4 + n_bytes;
  }
  return strings;
}

uint32_t hash_ids(const std::vector<TokenId>& ids) {
  uint32_t hash = 0x811C9DC5;
  for (const std::byte byte : std::as_bytes(std::span(ids))) {
    hash = (hash ^ static_cast<uint32_t>(byte)) * 0x01000193;
  }
  return hash;
}

struct Fixture {
  const char* name;
  bool has_special;  // expected ids with control tokens parsed are there too
};

class TokenizerFixture : public ::testing::TestWithParam<Fixture> {
 protected:
  void SetUp() override {
    const std::string name = GetParam().name;
    auto file = gguf::File::open(HEARTH_TEST_DIR "/data/text/" + name + ".gguf");
    ASSERT_TRUE(file) << file.error().message;
    auto tokenizer = Tokenizer::from_gguf(file->metadata());
    ASSERT_TRUE(tokenizer) << tokenizer.error().message;
    tokenizer_ = std::move(*tokenizer);
  }
  std::unique_ptr<Tokenizer> tokenizer_;
};

TEST_P(TokenizerFixture, ids_equal_the_reference) {
  const std::vector<std::string> strings = read_strings("strings.bin");
  ASSERT_GE(strings.size(), 4000u);
  for (const bool special : {false, true}) {
    if (special && !GetParam().has_special) continue;
    const std::string wanted =
        read_data(std::string(GetParam().name) + (special ? ".special.ids" : ".plain.ids"));
    ASSERT_EQ(wanted.size(), strings.size() * 4);
    int n_different = 0;
    for (size_t i = 0; i < strings.size() && n_different < 5; ++i) {
      const auto ids = tokenizer_->encode(strings[i], {.parse_special = special});
      ASSERT_TRUE(ids);
      if (hash_ids(*ids) == number_at(wanted, i * 4)) continue;
      ++n_different;
      ADD_FAILURE() << "special " << special << ", string " << i << ": " << strings[i]
                    << "\nids: " << ::testing::PrintToString(*ids);
    }
  }
}

class ReversibleTokenizer : public TokenizerFixture {};

TEST_P(ReversibleTokenizer, text_survives_a_round_trip) {
  for (const std::string& text : read_strings("strings.bin")) {
    const auto ids = tokenizer_->encode(text, {});
    ASSERT_TRUE(ids);
    const std::string decoded = tokenizer_->decode(*ids, false);
    // U+2581 is SentencePiece's own spelling of a space.
    if (text.find("\u2581") != std::string::npos) continue;
    ASSERT_EQ(decoded, text);
  }
}

std::string name_of(const ::testing::TestParamInfo<Fixture>& test) {
  std::string name = test.param.name;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

// SmolLM2's vocabulary does not spell every byte, Qwen2's text is normalized, and "unknown-spm" has
// no byte tokens.
INSTANTIATE_TEST_SUITE_P(Lossy, TokenizerFixture,
                         ::testing::Values(Fixture{"smollm", true}, Fixture{"qwen2", true},
                                           Fixture{"unknown-spm", false}),
                         name_of);
constexpr Fixture kReversible[] = {{"gpt-2", true},      {"phi-2", true},      {"llama-bpe", true},
                                   {"llama-spm", false}, {"gemma-spm", false}, {"user-spm", false}};
INSTANTIATE_TEST_SUITE_P(Reversible, TokenizerFixture, ::testing::ValuesIn(kReversible), name_of);
INSTANTIATE_TEST_SUITE_P(Reversible, ReversibleTokenizer, ::testing::ValuesIn(kReversible),
                         name_of);

TEST(Normalizer, composes_as_the_reference) {
  const std::vector<std::string> strings = read_strings("normal_forms.bin");
  ASSERT_GE(strings.size(), 8000u);
  for (size_t i = 0; i + 1 < strings.size(); i += 2) {
    ASSERT_EQ(normalize_nfc(strings[i]), strings[i + 1]) << strings[i];
    ASSERT_TRUE(!is_surely_nfc(strings[i]) || strings[i] == strings[i + 1]) << strings[i];
  }
}

TEST(Normalizer, leaves_bytes_that_are_no_characters) {
  EXPECT_EQ(normalize_nfc("e\u0301\xFF\xCC"
                          "e\u0301\xE1"),
            "\u00E9\xFF\xCC\u00E9\xE1");
  EXPECT_EQ(normalize_nfc("\u0301\xCC\u0301"), "\u0301\xCC\u0301");
}

}  // namespace
}  // namespace hearth::text
