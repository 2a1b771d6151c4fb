#include "text/constraint.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <random>

#include "gguf/file.h"
#include "tests/text/schema_check.h"
#include "tests/text/tokenizer_file.h"

namespace hearth::text {
namespace {

using testing::AnyOf;
using testing::HasSubstr;

std::unique_ptr<Tokenizer> fixture(const std::string& name) {
  const auto file = gguf::File::open(std::string(HEARTH_TEST_DIR) + "/data/text/" + name + ".gguf");
  EXPECT_TRUE(file) << (file ? "" : file.error().message);
  return std::move(Tokenizer::from_gguf(file->metadata()).value());
}

// Byte-level BPE and SentencePiece with byte fall-back.
const char* const kFixtures[] = {"smollm", "qwen2", "llama-spm", "gemma-spm"};

struct Vocabulary {
  explicit Vocabulary(std::unique_ptr<Tokenizer> given)
      : tokenizer(std::move(given)), tokens(GrammarVocabulary::create(*tokenizer).value()) {}
  std::unique_ptr<Tokenizer> tokenizer;
  GrammarVocabulary tokens;
};

const Vocabulary& byte_level() {
  static const Vocabulary vocabulary([] {
    TokenizerFile file = byte_level_file();
    file.numbers = {{"eos_token_id", 256}};
    return std::move(file.load().value());
  }());
  return vocabulary;
}

Result<AnswerGrammar> compile(const std::string& schema) {
  return AnswerGrammar::compile(byte_level().tokens, schema);
}

bool allows(std::span<const uint32_t> mask, TokenId token) {
  return mask[static_cast<size_t>(token) / 32] >> (token % 32) & 1;
}

std::vector<TokenId> tokens_in(std::span<const uint32_t> mask) {
  std::vector<TokenId> tokens;
  for (size_t word = 0; word < mask.size(); ++word) {
    for (uint32_t bits = mask[word]; bits != 0; bits &= bits - 1) {
      tokens.push_back(static_cast<TokenId>(word * 32) + std::countr_zero(bits));
    }
  }
  return tokens;
}

// Draws evenly among the tokens allowed; where `n_free` have been drawn, those that come nearest to
// an end: a closing mark if there is one, else the shortest.
TokenId draw(const Tokenizer& tokenizer, std::span<const uint32_t> mask, bool is_free,
             std::mt19937& random) {
  const std::vector<TokenId> tokens = tokens_in(mask);
  if (is_free) return tokens[random() % tokens.size()];
  const auto cost = [&](TokenId token) {
    if (tokenizer.ends_generation(token)) return size_t{0};
    const std::string bytes = tokenizer.token_bytes(token, false);
    if (bytes == "}" || bytes == "]" || bytes == "\"") return size_t{1};
    return 1 + bytes.size() + (bytes.find_first_of(" \n\t\r,[{\\") != std::string::npos ? 8 : 0);
  };
  return *std::ranges::min_element(tokens, {}, cost);
}

bool has_end(const Tokenizer& tokenizer) {
  for (TokenId id = 0; id < tokenizer.n_tokens(); ++id) {
    if (tokenizer.ends_generation(id)) return true;
  }
  return false;
}

// One whole answer, which where no token ends one is taken when it is JSON; fails the test and
// gives nothing if it does not end.
std::string random_answer(const Vocabulary& vocabulary, const AnswerGrammar& grammar,
                          std::mt19937& random) {
  Constraint constraint = grammar.begin().value();
  const bool needs_end = has_end(*vocabulary.tokenizer);
  std::string text;
  for (int step = 0; step < 3000; ++step) {
    if (!needs_end && step > 60 && Json::accept(text)) return text;
    const auto mask = constraint.mask();
    if (!mask) {
      ADD_FAILURE() << mask.error().message << " after " << text;
      return "";
    }
    const TokenId token = draw(*vocabulary.tokenizer, *mask, step < 60, random);
    if (vocabulary.tokenizer->ends_generation(token)) return text;
    text += vocabulary.tokenizer->token_bytes(token, false);
    const auto is_complete = constraint.commit(token);
    if (!is_complete) {
      ADD_FAILURE() << is_complete.error().message << " after " << text;
      return "";
    }
    if (*is_complete) return text;
  }
  ADD_FAILURE() << "no end: " << text.substr(0, 300);
  return "";
}

const char* const kSchemas[] = {
    "json",
    R"({"type": "object"})",
    R"({"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
        "required": ["name", "age"], "additionalProperties": false})",
    R"({"properties": {"a": {"type": "boolean"}, "b": {"type": "null"}, "c": {"type": "number"}},
        "type": "object", "required": ["c"]})",
    R"({"type": "array", "items": {"type": "array", "items": {"type": "integer"}, "maxItems": 3},
        "minItems": 1, "maxItems": 4})",
    R"({"enum": ["red", "gr\"een\"", "blau\nété", "日本語", "\u0007", 7, -1.5, null, {"a": [1, true]}]})",
    R"({"type": "object", "required": ["o"], "additionalProperties": false, "properties": {"o":
        {"type": "object", "required": ["p"], "additionalProperties": false, "properties": {"p":
        {"type": "object", "required": ["q"], "additionalProperties": {"type": "integer"},
         "properties": {"q": {"const": "deep"}}}}}}})",
    R"({"type": "integer", "minimum": -17, "maximum": 4096})",
    R"({"type": "integer", "exclusiveMinimum": 0.5, "exclusiveMaximum": 9})",
    R"({"type": "number", "minimum": -0.75, "exclusiveMaximum": 12.5})",
    R"({"type": "integer", "minimum": 0, "maximum": 1000, "multipleOf": 7})",
    R"({"type": "string", "minLength": 2, "maxLength": 9})",
    R"({"type": "string", "pattern": "^[A-Z]{2,3}-[0-9]+(x|yz)?$"})",
    R"({"type": "string", "pattern": "ab+c", "maxLength": 12})",
    R"({"anyOf": [{"type": "string", "maxLength": 4}, {"type": "array", "items": {"type": "null"}},
                  {"type": "object", "properties": {"k": {"type": "integer"}}, "required": ["k"]}]})",
    R"({"oneOf": [{"type": "string", "maxLength": 4}, {"type": "integer", "minimum": 3}]})",
    R"({"type": "object", "additionalProperties": {"type": "string", "maxLength": 3},
        "properties": {"a/b": {"type": "integer"}, "é\"": {"type": "null"}, "": {"const": 1}}})",
    R"({"type": "object", "patternProperties": {"^x-": {"type": "integer"}, "^y-": {"type": "null"}},
        "additionalProperties": false})",
    R"({"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}],
        "items": {"type": "boolean"}, "minItems": 2})",
    R"({"$ref": "#/$defs/tree", "$defs": {"tree": {"type": "object", "required": ["v"],
        "additionalProperties": false, "properties": {"v": {"type": "integer"},
        "kids": {"type": "array", "items": {"$ref": "#/$defs/tree"}, "maxItems": 2}}}}})",
    R"({"allOf": [{"type": "object", "properties": {"a": {"type": "integer", "minimum": 2}}},
                  {"properties": {"a": {"maximum": 11}, "b": {"type": "string"}}, "required": ["a"]}]})",
    R"({"type": ["string", "null"], "unknown-keyword": {"says": "nothing"}, "x-guidance": 1})",
};

TEST(Constraint, random_answers_meet_their_schema) {
  for (const char* name : kFixtures) {
    const Vocabulary vocabulary(fixture(name));
    for (const char* text : kSchemas) {
      SCOPED_TRACE(std::string(name) + ": " + text);
      const Json schema = std::string_view(text) == "json" ? Json::parse(R"({"type": "object"})")
                                                           : Json::parse(text);
      const auto grammar = AnswerGrammar::compile(vocabulary.tokens, text);
      ASSERT_TRUE(grammar) << grammar.error().message;
      for (uint32_t seed = 0; seed < 20; ++seed) {
        std::mt19937 random(seed);
        const std::string answer = random_answer(vocabulary, *grammar, random);
        const Json value = Json::parse(answer, nullptr, false);
        ASSERT_FALSE(value.is_discarded()) << answer;
        ASSERT_TRUE(meets(value, schema, schema)) << answer;
      }
    }
  }
}

// The walk's own check would otherwise pass whatever it is given.
TEST(Constraint, the_check_of_random_answers_finds_faults) {
  const std::pair<const char*, const char*> faults[] = {
      {R"({"type": "integer", "maximum": 5})", "6"},
      {R"({"required": ["a"]})", "{}"},
      {R"({"additionalProperties": false})", R"({"a": 1})"},
      {R"({"items": {"type": "null"}})", "[1]"},
      {R"({"pattern": "^a$"})", R"("ab")"},
      {R"({"enum": ["é"]})", R"("e")"},
  };
  for (const auto& [schema, value] : faults) {
    EXPECT_FALSE(meets(Json::parse(value), Json::parse(schema), Json::parse(schema))) << schema;
  }
}

TEST(Constraint, ends_exactly_where_the_schema_allows_it) {
  const Vocabulary& vocabulary = byte_level();
  const auto grammar = compile(R"({"type": "integer", "minimum": 10, "maximum": 999})");
  ASSERT_TRUE(grammar);
  Constraint constraint = grammar->begin().value();
  const TokenId end = 256;
  ASSERT_TRUE(vocabulary.tokenizer->ends_generation(end));
  EXPECT_FALSE(allows(*constraint.mask(), end));
  ASSERT_EQ(constraint.commit('4'), false);
  EXPECT_FALSE(allows(*constraint.mask(), end));
  ASSERT_EQ(constraint.commit('2'), false);
  EXPECT_TRUE(allows(*constraint.mask(), end));
  EXPECT_TRUE(allows(*constraint.mask(), '0'));
}

TEST(Constraint, is_complete_when_nothing_may_follow) {
  const auto grammar = compile(R"({"const": {"a": 1}})");
  ASSERT_TRUE(grammar);
  Constraint constraint = grammar->begin().value();
  for (const char byte : std::string("{\"a\":1")) ASSERT_EQ(constraint.commit(byte), false);
  EXPECT_EQ(constraint.commit('}'), true);
  EXPECT_EQ(tokens_in(*constraint.mask()), std::vector<TokenId>{256});
  EXPECT_FALSE(constraint.commit('}'));
}

TEST(Constraint, a_token_outside_the_mask_is_refused) {
  const auto grammar = compile("json");
  for (const TokenId token : {TokenId{'x'}, TokenId{256}, TokenId{257}, TokenId{-1}}) {
    Constraint constraint = grammar->begin().value();
    const auto committed = constraint.commit(token);
    ASSERT_FALSE(committed) << token;
    EXPECT_EQ(committed.error().code, ErrorCode::kInvalidArgument);
  }
}

TEST(Constraint, whitespace_ends_where_a_model_repeats_it) {
  Constraint constraint = compile("json")->begin().value();
  ASSERT_EQ(constraint.commit('{'), false);
  for (int i = 0; i < 64; ++i) ASSERT_EQ(constraint.commit('\n'), false);
  const auto mask = constraint.mask();
  EXPECT_FALSE(allows(*mask, '\n'));
  EXPECT_FALSE(allows(*mask, ' '));
  EXPECT_TRUE(allows(*mask, '"'));
}

TEST(Constraint, numbers_stay_in_the_range_of_a_double) {
  Constraint constraint = compile(R"({"type": "number"})")->begin().value();
  for (const char byte : std::string("1e+30")) ASSERT_EQ(constraint.commit(byte), false);
  EXPECT_FALSE(allows(*constraint.mask(), '0'));
  EXPECT_TRUE(allows(*constraint.mask(), 256));
}

// "\u0061" would name "a" a second time, past its schema, and "\ud800" is no character.
TEST(Constraint, keys_have_one_spelling) {
  Constraint constraint =
      compile(R"({"type": "object", "properties": {"a": {"type": "integer"}}})")->begin().value();
  for (const char byte : std::string("{\"\\")) ASSERT_EQ(constraint.commit(byte), false);
  const auto mask = constraint.mask();
  EXPECT_FALSE(allows(*mask, 'u'));
  EXPECT_FALSE(allows(*mask, '/'));
  EXPECT_TRUE(allows(*mask, 'n'));
}

TEST(Constraint, an_answer_starts_anew) {
  const auto grammar = compile(R"({"const": 12})");
  for (int i = 0; i < 2; ++i) {
    Constraint constraint = grammar->begin().value();
    ASSERT_EQ(constraint.commit('1'), false);
    EXPECT_TRUE(allows(*constraint.mask(), '2'));
  }
}

TEST(Constraint, what_is_not_supported_is_named) {
  const std::pair<const char*, const char*> schemas[] = {
      {R"({"not": {"type": "null"}})", "not"},
      {R"({"type": "array", "uniqueItems": true})", "uniqueItems"},
      {R"({"type": "array", "contains": {"const": 1}})", "contains"},
      {R"({"if": {"type": "null"}, "then": false})", "if"},
      {R"({"type": "object", "propertyNames": {"maxLength": 2}})", "propertyNames"},
      {R"({"type": "object", "dependentRequired": {"a": ["b"]}})", "dependentRequired"},
      {R"({"type": "string", "format": "no-such-format"})", "no-such-format"},
      {R"({"oneOf": [{"type": "integer"}, {"type": "number"}]})", "oneOf"},
      {R"({"type": "number", "multipleOf": 4294967291})", "multipleOf"},
      {R"({"$ref": "https://example.org/s.json"})", "https://example.org/s.json"},
      {R"({"$ref": "other.json#/a"})", "other.json"},
      {R"({"type": "string", "pattern": "(?=a)b"})", "look-around"},
      {R"({"type": "string", "pattern": "(a)\\1"})", "backreference"},
      {R"({"type": "integer", "minimum": 90071992547409930})", "minimum"},
      {R"({"properties": {"xa": {}}, "patternProperties": {"^x": false}})", "patternProperties"},
      {R"({"properties": {"a": {"$id": "http://localhost/", "$ref": "#/b"}}, "b": {}})", "$id"},
  };
  for (const auto& [schema, named] : schemas) {
    const auto grammar = compile(schema);
    ASSERT_FALSE(grammar) << schema;
    EXPECT_THAT(grammar.error().message, HasSubstr(named)) << schema;
  }
}

TEST(Constraint, a_schema_that_is_none_is_refused) {
  for (const char* schema : {"", "{", "[]", "7", "\"json\"", R"({"type": "no-such-type"})",
                             R"({"$ref": "#/$defs/missing"})", R"({"enum": []})", "false",
                             R"({"type": "integer", "minimum": 2, "maximum": 1})",
                             R"({"type": "integer", "minimum": 0.1, "maximum": 0.9})",
                             R"({"type": "string", "pattern": "("})", "\xff", "json json"}) {
    EXPECT_FALSE(compile(schema)) << schema;
  }
}

std::string repeated(const std::string& text, int n) {
  std::string result;
  for (int i = 0; i < n; ++i) result += text;
  return result;
}

// `item` with each @ replaced by the number, joined by commas.
std::string numbered(const std::string& item, int n) {
  std::string result;
  for (int i = 0; i < n; ++i) {
    if (i > 0) result += ',';
    for (const char c : item) {
      if (c == '@') {
        result += std::to_string(i);
      } else {
        result += c;
      }
    }
  }
  return result;
}

// Members "d0" to "dn", each `item` with @ replaced by the next one's number.
std::string chain(const std::string& item, int n) {
  std::string result;
  for (int i = 0; i < n; ++i) {
    std::string member = item;
    member.replace(member.find('@'), 1, std::to_string(i + 1));
    result += fmt::format("\"d{}\": {},", i, member);
  }
  return result + fmt::format("\"d{}\": {{\"type\": \"null\"}}", n);
}

TEST(HostileSchema, too_much_is_an_error_that_says_so) {
  const std::string schemas[] = {
      "{\"description\": \"" + repeated("x", 10 << 20) + "\"}",
      repeated("{\"items\":", 100000) + "true" + repeated("}", 100000),
      repeated("[", 100000),
      R"({"enum": [)" + numbered("@", 30000) + "]}",
      R"({"properties": {)" + numbered(R"("p@": {})", 9000) + "}}",
      R"({"type": "array", "maxItems": 1000000000})",
      R"({"type": "array", "minItems": 18446744073709551615})",
      R"({"type": "string", "minLength": 4000000000})",
      R"({"type": "object", "minProperties": 4000000000})",
      R"({"properties": {)" + numbered(R"("p@": {})", 6000) + R"(}, "anyOf": [)" +
          numbered(R"({"title": "@"})", 4000) + "]}",
      R"({"allOf": [)" + numbered(R"({"anyOf": [{"const": @}, {"const": "@"}, {}]})", 400) + "]}",
      R"({"$defs": {"d": {"properties": {"a": {"properties": {)" + numbered(R"("p@": {})", 2000) +
          R"(}}}}}, "allOf": [)" + numbered(R"({"$ref": "#/$defs/d", "required": ["x@"]})", 2000) +
          "]}",
  };
  for (const std::string& schema : schemas) {
    const auto grammar = compile(schema);
    ASSERT_FALSE(grammar) << schema.substr(0, 100);
    EXPECT_THAT(grammar.error().code, AnyOf(ErrorCode::kLimitExceeded, ErrorCode::kUnsupported,
                                            ErrorCode::kInvalidArgument))
        << schema.substr(0, 100);
    EXPECT_LT(grammar.error().message.size(), 700u) << schema.substr(0, 100);
  }
}

// Whether they compile is llguidance's to say; that they come to an end, ours.
TEST(HostileSchema, comes_to_an_end) {
  const std::string schemas[] = {
      R"({"$ref": "#"})",
      R"({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}})",
      R"({"$ref": "#/$defs/a", "$defs": {"a": {"allOf": [{"$ref": "#/$defs/a"}, {"type": "object"}]}}})",
      R"({"$defs": {"a": {"properties": {"x": {"$ref": "#/$defs/a"}}, "required": ["x"]}},
          "$ref": "#/$defs/a"})",
      R"({"$ref": "#/$defs/d0", "$defs": {)" +
          numbered(R"("d@": {"allOf": [{"$ref": "#/$defs/e@"}]}, "e@": {"$ref": "#/$defs/d@"})",
                   3000) +
          "}}",
      R"({"$ref": "#/$defs/d0", "$defs": {)" + chain(R"({"$ref": "#/$defs/d@"})", 9900) + "}}",
      R"({"$ref": "#/$defs/d0", "$defs": {)" +
          chain(R"({"allOf": [{"$ref": "#/$defs/d@"}]})", 4900) + "}}",
      R"({"$ref": "#/$defs/d0", "$defs": {)" +
          chain(R"({"items": {"$ref": "#/$defs/d@"}, "type": "array"})", 4900) + "}}",
      R"({"type": "string", "pattern": "((a{1,1000}){1,1000}){1,1000}"})",
      R"({"type": "string", "pattern": "^(a+)+$"})",
      R"({"type": "string", "pattern": "(x+x+)+y"})",
      R"({"type": "string", "pattern": "^(([a-z])+.)+[A-Z]([a-z])+$"})",
      R"({"type": "string", "pattern": "(.*a){30}"})",
      R"({"type": "string", "pattern": "(a|b)*a(a|b){200}"})",
      R"({"type": "string", "pattern": ")" + repeated("(", 5000) + repeated(")", 5000) + "\"}",
      R"({"type": "string", "pattern": ")" + repeated("a?", 5000) + repeated("a", 5000) + "\"}",
      R"({"allOf": [)" + numbered(R"({"type": "string", "pattern": "a@.*b"})", 50) + "]}",
      R"({"allOf": [)" + numbered(R"({"type": "string", "pattern": "@"})", 4000) + "]}",
      R"({"type": "string", "maxLength": 1000000})",
      R"({"type": "array", "items": {"type": "array", "items": {"type": "string"},
          "maxItems": 4096, "minItems": 4096}, "maxItems": 4096})",
      R"({"type": "object", "properties": {)" + numbered(R"("p@": {"type": "integer"})", 2000) +
          "}}",
      R"({"oneOf": [)" + numbered(R"({"const": "@"})", 500) + "]}",
      R"({"type": "object", "patternProperties": {)" + numbered(R"("^(a|@)*b$": {})", 32) + "}}",
      R"({"type": "number", "multipleOf": 1e-300})",
      R"({"type": "number", "multipleOf": 0})",
      R"({"type": "integer", "minimum": -9e15, "maximum": 9e15, "multipleOf": 4294967291})",
  };
  for (const std::string& schema : schemas) {
    SCOPED_TRACE(schema.substr(0, 100));
    const auto grammar = compile(schema);
    if (!grammar) continue;
    std::mt19937 random(1);
    Constraint constraint = grammar->begin().value();
    for (int step = 0; step < 100; ++step) {
      const auto mask = constraint.mask();
      if (!mask) break;
      const std::vector<TokenId> tokens = tokens_in(*mask);
      const TokenId token = tokens[random() % tokens.size()];
      if (byte_level().tokenizer->ends_generation(token)) break;
      const auto is_complete = constraint.commit(token);
      if (!is_complete || *is_complete) break;
    }
  }
}

TEST(GrammarVocabulary, tokens_that_no_text_holds_are_left_out) {
  TokenizerFile file = byte_level_file();
  file.numbers = {{"eos_token_id", 256}};
  file.add(repeated("{", 5000));
  file.add("{");  // again
  file.add("{<control>", kControlType);
  file.scores.clear();
  const Vocabulary vocabulary(std::move(file.load().value()));
  const auto grammar = AnswerGrammar::compile(vocabulary.tokens, "json");
  ASSERT_TRUE(grammar) << grammar.error().message;
  EXPECT_EQ(tokens_in(*grammar->begin()->mask()), std::vector<TokenId>{'{'});
}

}  // namespace
}  // namespace hearth::text
