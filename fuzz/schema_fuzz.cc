// Any JSON schema compiles or is refused, and an answer under it goes on or ends in JSON.
// Input: the first four bytes seed the draw of tokens; the rest is the schema.
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>
#include <random>
#include <string>

#include "tests/text/tokenizer_file.h"
#include "text/constraint.h"

using hearth::text::AnswerGrammar;
using hearth::text::GrammarVocabulary;
using hearth::text::TokenId;

static constexpr TokenId kEnd = 256;  // of byte_level_file()

static GrammarVocabulary byte_level() {
  hearth::text::TokenizerFile file = hearth::text::byte_level_file();
  file.numbers = {{"eos_token_id", kEnd}};
  return GrammarVocabulary::create(*file.load().value()).value();
}

static void check_answer(const std::string& answer) {
  if (!nlohmann::json::accept(answer)) std::abort();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const GrammarVocabulary vocabulary = byte_level();
  if (size < 4) return 0;
  uint32_t seed;
  std::memcpy(&seed, data, 4);
  const auto grammar =
      AnswerGrammar::compile(vocabulary, {reinterpret_cast<const char*>(data) + 4, size - 4});
  if (!grammar) return 0;
  auto constraint = grammar->begin().value();
  std::mt19937 random(seed);
  std::string answer;
  for (int step = 0; step < 200; ++step) {
    const auto mask = constraint.mask();
    if (!mask) return 0;  // a limit, said
    std::vector<TokenId> tokens;
    for (TokenId token = 0; token <= kEnd; ++token) {
      if ((*mask)[token / 32] >> (token % 32) & 1) tokens.push_back(token);
    }
    const TokenId token = tokens[random() % tokens.size()];
    if (token == kEnd) {
      check_answer(answer);
      return 0;
    }
    answer += static_cast<char>(token);
    const auto is_complete = constraint.commit(token);
    if (!is_complete) std::abort();
    if (*is_complete) {
      check_answer(answer);
      return 0;
    }
  }
  return 0;
}
