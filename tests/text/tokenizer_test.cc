#include "text/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <thread>

#include "tests/text/tokenizer_file.h"
#include "text/stream_decoder.h"

namespace hearth::text {
namespace {

using ::testing::ElementsAre;
using Ids = std::vector<TokenId>;

std::unique_ptr<Tokenizer> load(const TokenizerFile& file) {
  auto tokenizer = file.load();
  EXPECT_TRUE(tokenizer) << (tokenizer ? "" : tokenizer.error().message);
  return tokenizer ? std::move(*tokenizer) : nullptr;
}

Ids encode(const Tokenizer& tokenizer, std::string_view text, EncodeOptions options = {}) {
  auto ids = tokenizer.encode(text, options);
  EXPECT_TRUE(ids) << (ids ? "" : ids.error().message);
  return ids.value_or(Ids());
}

std::string random_bytes(std::mt19937& random, size_t most) {
  std::string text(random() % (most + 1), '\0');
  for (char& c : text)
    c = static_cast<char>(random() % 4 ? "ab c\n'1\xC3\xA9"[random() % 9] : random());
  return text;
}

TEST(ByteBpe, merges_in_the_order_of_the_list) {
  TokenizerFile file = byte_level_file();
  file.tokens.insert(file.tokens.end(), {"bc", "ab", "abc"});
  file.types.resize(file.tokens.size(), kNormalType);
  file.merges = {"b c", "a b", "ab c"};
  const auto tokenizer = load(file);
  EXPECT_THAT(encode(*tokenizer, "abc"), ElementsAre('a', 257));
  EXPECT_THAT(encode(*tokenizer, "abb"), ElementsAre(258, 'b'));
}

TEST(ByteBpe, any_bytes_survive_a_round_trip) {
  TokenizerFile file = byte_level_file();
  file.tokens.insert(file.tokens.end(), {"ab", "\u0120a"});
  file.types.resize(file.tokens.size(), kNormalType);
  file.merges = {"a b", "\u0120 a"};
  std::mt19937 random(7);
  for (const char* pre : {"gpt-2", "smollm", "llama-bpe", "stablelm2"}) {
    file.pre = pre;
    file.flags = {{"add_bos_token", false}};
    const auto tokenizer = load(file);
    for (int round = 0; round < 2000; ++round) {
      const std::string text = random_bytes(random, 90);
      ASSERT_EQ(tokenizer->decode(encode(*tokenizer, text), false), text) << pre;
    }
  }
}

TEST(ByteBpe, a_word_that_is_a_token_stays_whole_only_where_the_family_says_so) {
  TokenizerFile file = byte_level_file("llama-bpe");
  file.tokens.push_back("abc");
  file.types.push_back(kNormalType);
  file.merges = {"a b"};
  file.tokens.push_back("ab");
  file.types.push_back(kNormalType);
  EXPECT_THAT(encode(*load(file), "abc"), ElementsAre(257));
  file.pre = "smaug-bpe";
  EXPECT_THAT(encode(*load(file), "abc"), ElementsAre(258, 'c'));
}

TEST(SentencePiece, the_highest_score_merges_first) {
  TokenizerFile file = sentencepiece_file();
  for (const char* text : {" ", "a", "b", "c"}) add_word(file, text, -10);
  const TokenId ab = add_word(file, "ab", -2);
  const TokenId bc = add_word(file, "bc", -1);
  file.flags = {{"add_space_prefix", false}};
  const auto tokenizer = load(file);
  EXPECT_THAT(encode(*tokenizer, "abc"), ElementsAre(*tokenizer->find("a"), bc));
  EXPECT_THAT(encode(*tokenizer, "abb"), ElementsAre(ab, *tokenizer->find("b")));
}

TEST(SentencePiece, a_character_without_a_token_becomes_its_bytes) {
  TokenizerFile file = sentencepiece_file();
  const TokenId space = add_word(file, " ", -1);
  const auto tokenizer = load(file);
  EXPECT_THAT(encode(*tokenizer, "\u00E9\xFF"), ElementsAre(space, 0xC3 + 3, 0xA9 + 3, 0xFF + 3));
  EXPECT_EQ(tokenizer->decode(encode(*tokenizer, "\u00E9\xFF"), false), "\u00E9\xFF");
}

TEST(SentencePiece, a_text_and_what_follows_a_control_token_start_with_a_space) {
  TokenizerFile file = sentencepiece_file();
  const TokenId space = add_word(file, " ", -2);
  const TokenId a = add_word(file, "a", -2);
  const TokenId space_a = add_word(file, " a", -1);
  const TokenId user = file.add("<u>", kUserDefinedType);
  const auto tokenizer = load(file);
  EXPECT_THAT(encode(*tokenizer, "a</s>a", {.parse_special = true}),
              ElementsAre(space_a, 2, space_a));
  EXPECT_THAT(encode(*tokenizer, "<u>a"), ElementsAre(space, user, a));
  EXPECT_THAT(encode(*tokenizer, "a", {.add_special = true}), ElementsAre(1, space_a));
  EXPECT_THAT(encode(*tokenizer, ""), ElementsAre());
}

TEST(SentencePiece, a_run_of_unknown_characters_is_one_unknown_token) {
  TokenizerFile file{.model = "llama", .pre = "default"};
  file.add("<unk>", kUnknownType);
  const TokenId a = file.add("a", kNormalType, -1);
  file.flags = {{"add_bos_token", false}, {"add_space_prefix", false}};
  const auto tokenizer = load(file);
  EXPECT_THAT(encode(*tokenizer, "xyaz"), ElementsAre(0, a, 0));
  EXPECT_THAT(encode(*tokenizer, "zaxy"), ElementsAre(0, a, 0));
}

TEST(SpecialTokens, control_tokens_are_read_only_where_allowed) {
  const auto tokenizer = load(byte_level_file());
  EXPECT_THAT(encode(*tokenizer, "a<|end|>", {.parse_special = true}), ElementsAre('a', 256));
  EXPECT_EQ(encode(*tokenizer, "a<|end|>").size(), 8u);
  EXPECT_EQ(tokenizer->decode({'a', 256}, false), "a");
  EXPECT_EQ(tokenizer->decode({'a', 256}, true), "a<|end|>");
}

TEST(SpecialTokens, the_leftmost_and_then_the_longest_is_matched) {
  TokenizerFile file = byte_level_file();
  file.tokens.insert(file.tokens.end(), {"aab", "a", "abbb", "bb"});
  file.types.insert(file.types.end(), 4, kUserDefinedType);
  const auto tokenizer = load(file);
  EXPECT_THAT(encode(*tokenizer, "aabbb"), ElementsAre(257, 260));
  EXPECT_THAT(encode(*tokenizer, "abbbaa"), ElementsAre(259, 258, 258));
}

TEST(SpecialTokens, equal_a_plain_search_on_random_vocabularies) {
  std::mt19937 random(11);
  for (int round = 0; round < 300; ++round) {
    TokenizerFile file = byte_level_file();
    for (int i = 0; i < 6; ++i) {
      std::string text(1 + random() % 5, 'a');
      for (char& c : text) c = "ab"[random() % 2];
      file.add(text, kUserDefinedType);
    }
    file.scores.clear();
    const auto tokenizer = load(file);
    std::string text(40, 'a');
    for (char& c : text) c = "abc"[random() % 3];
    Ids wanted;
    for (size_t at = 0; at < text.size();) {
      size_t longest = 0;
      for (size_t i = 257; i < file.tokens.size(); ++i) {
        if (text.compare(at, file.tokens[i].size(), file.tokens[i]) != 0) continue;
        longest = std::max(longest, file.tokens[i].size());
      }
      wanted.push_back(longest ? *tokenizer->find(text.substr(at, longest)) : text[at]);
      if (longest == 1) wanted.back() = *tokenizer->find(text.substr(at, 1));
      at += std::max<size_t>(longest, 1);
    }
    Ids found = encode(*tokenizer, text);
    // A one-letter token is spelled like the letter's own: both ids are that letter.
    const auto spell = [&](Ids& ids) {
      for (TokenId& id : ids) id = *tokenizer->find(tokenizer->token_text(id));
    };
    spell(found);
    spell(wanted);
    ASSERT_EQ(found, wanted) << text;
  }
}

TEST(Tokenizer, ends_of_turns_are_known_by_id_and_by_text) {
  TokenizerFile file = byte_level_file();
  const TokenId turn = file.add("<|eot_id|>", kUserDefinedType);
  file.scores.clear();
  file.numbers = {{"eos_token_id", 'z'}};
  const auto tokenizer = load(file);
  EXPECT_TRUE(tokenizer->ends_generation('z'));
  EXPECT_TRUE(tokenizer->ends_generation(turn));
  EXPECT_TRUE(tokenizer->ends_generation(256));
  EXPECT_FALSE(tokenizer->ends_generation('a'));
  EXPECT_FALSE(tokenizer->ends_generation(-1));
  EXPECT_EQ(tokenizer->kind(turn), TokenKind::kControl) << "text from a user must not end a turn";
}

TEST(Tokenizer, ids_out_of_range_are_harmless) {
  const auto tokenizer = load(byte_level_file());
  for (const TokenId id : {-1, tokenizer->n_tokens(), INT32_MAX, INT32_MIN}) {
    EXPECT_EQ(tokenizer->token_bytes(id, true), "");
    EXPECT_EQ(tokenizer->token_text(id), "");
    EXPECT_EQ(tokenizer->decode({id}, true), "");
    EXPECT_EQ(StreamDecoder(*tokenizer).push(id), "");
    EXPECT_FALSE(tokenizer->ends_generation(id));
  }
}

TEST(Tokenizer, threads_get_the_same_ids) {
  TokenizerFile file = byte_level_file("llama-bpe");
  file.flags = {{"add_bos_token", false}};
  file.add("ab");
  file.scores.clear();
  file.merges = {"a b"};
  const auto tokenizer = load(file);
  std::mt19937 random(3);
  std::vector<std::string> texts;
  std::vector<Ids> wanted;
  for (int i = 0; i < 200; ++i) {
    texts.push_back(random_bytes(random, 200));
    wanted.push_back(encode(*tokenizer, texts.back()));
  }
  std::vector<std::thread> threads;
  std::vector<int> n_wrong(4);
  for (int& wrong : n_wrong) {
    threads.emplace_back([&] {
      for (size_t i = 0; i < texts.size(); ++i) {
        wrong += tokenizer->encode(texts[i], {}).value() != wanted[i];
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(n_wrong, ElementsAre(0, 0, 0, 0));
}

TEST(StreamDecoder, shows_the_control_tokens_that_are_asked_for) {
  TokenizerFile file = byte_level_file();
  const TokenId mark = file.add("<|call|>", kControlType);
  file.scores.clear();
  const auto tokenizer = std::move(file.load().value());
  StreamDecoder decoder(*tokenizer, {.shown = {mark}});
  EXPECT_EQ(decoder.push(256), "");
  EXPECT_EQ(decoder.push(mark), "<|call|>");
  EXPECT_EQ(decoder.push('a'), "a");
}

TEST(StreamDecoder, gives_whole_characters_and_in_all_what_decode_gives) {
  TokenizerFile file = sentencepiece_file();
  add_word(file, " ", -1);
  add_word(file, "\u00E9", -1);
  const auto tokenizer = load(file);
  std::mt19937 random(5);
  for (int round = 0; round < 500; ++round) {
    const std::string text = round % 2 ? random_bytes(random, 30) : "x \U0001F600\u00E9 y";
    Ids ids = encode(*tokenizer, text, {.add_special = true});
    if (round % 3 == 0) std::shuffle(ids.begin(), ids.end(), random);
    StreamDecoder decoder(*tokenizer, {.special = round % 5 == 0});
    std::string streamed;
    for (const TokenId id : ids) {
      const std::string part = decoder.push(id);
      ASSERT_EQ(find_invalid_utf8(part), std::string::npos);
      streamed += part;
    }
    streamed += decoder.flush();
    ASSERT_EQ(streamed, replace_invalid_utf8(tokenizer->decode(ids, round % 5 == 0)));
  }
}

}  // namespace
}  // namespace hearth::text
