#include "text/constraint.h"

#include <algorithm>
#include <string>
#include <unordered_set>

#include "hearth_rust/grammar.h"
#include "text/rust_text.h"

namespace hearth::text {
namespace {

std::unexpected<Error> failure(HearthGrammarStatus status, const RustText& message) {
  const auto code = [status] {
    switch (status) {
      case kHearthGrammarLimit: return ErrorCode::kLimitExceeded;
      case kHearthGrammarUnsupported:
      case kHearthGrammarVocabulary:
      case kHearthGrammarInternal: return ErrorCode::kUnsupported;
      default: return ErrorCode::kInvalidArgument;
    }
  };
  const bool is_unsupported = status == kHearthGrammarUnsupported;
  return fail(code(), (is_unsupported ? "not supported: " : "") + message.str());
}

// What each token adds to an answer; nothing for those that are no text.
std::vector<std::string> token_texts(const Tokenizer& tokenizer) {
  const auto is_text = [&](TokenId id) {
    const TokenKind kind = tokenizer.kind(id);
    return !tokenizer.ends_generation(id) &&
           (kind == TokenKind::kNormal || kind == TokenKind::kUserDefined);
  };
  std::vector<std::string> texts(static_cast<size_t>(tokenizer.n_tokens()));
  std::unordered_set<std::string_view> normal;
  for (TokenId id = 0; id < tokenizer.n_tokens(); ++id) {
    if (!is_text(id)) continue;
    std::string& text = texts[static_cast<size_t>(id)];
    text = tokenizer.token_bytes(id, false);
    normal.insert(text);
  }
  // "<0x41>" only where there is no "A".
  for (TokenId id = 0; id < tokenizer.n_tokens(); ++id) {
    if (tokenizer.kind(id) != TokenKind::kByte) continue;
    std::string byte = tokenizer.token_bytes(id, false);
    if (!normal.contains(byte)) texts[static_cast<size_t>(id)] = std::move(byte);
  }
  return texts;
}

}  // namespace

void GrammarVocabulary::Free::operator()(HearthVocabulary* handle) const {
  hearth_vocabulary_free(handle);
}
void AnswerGrammar::Free::operator()(HearthGrammar* handle) const { hearth_grammar_free(handle); }
void Constraint::Free::operator()(HearthAnswer* handle) const { hearth_answer_free(handle); }

Result<GrammarVocabulary> GrammarVocabulary::create(const Tokenizer& tokenizer) {
  const std::vector<std::string> texts = token_texts(tokenizer);
  std::vector<HearthBytes> tokens;
  for (const std::string& text : texts) tokens.push_back(rust_bytes(text));
  HearthVocabulary* handle = nullptr;
  RustText message;
  const auto status = hearth_vocabulary_new(tokens.data(), tokens.size(), &handle, message.out());
  if (status != kHearthGrammarOk) return failure(status, message);
  GrammarVocabulary vocabulary;
  vocabulary.handle_.reset(handle);
  vocabulary.n_tokens_ = tokenizer.n_tokens();
  for (TokenId id = 0; id < tokenizer.n_tokens(); ++id) {
    if (tokenizer.ends_generation(id)) vocabulary.ends_.push_back(id);
  }
  return vocabulary;
}

Result<AnswerGrammar> AnswerGrammar::compile(const GrammarVocabulary& vocabulary,
                                             std::string_view schema) {
  HearthGrammar* handle = nullptr;
  RustText message;
  const auto status =
      hearth_grammar_compile(vocabulary.handle_.get(), rust_bytes(schema), &handle, message.out());
  if (status != kHearthGrammarOk) return failure(status, message);
  AnswerGrammar grammar;
  grammar.handle_.reset(handle);
  grammar.n_tokens_ = vocabulary.n_tokens_;
  grammar.ends_ = vocabulary.ends_;
  return grammar;
}

Result<Constraint> AnswerGrammar::begin() const {
  HearthAnswer* handle = nullptr;
  RustText message;
  const auto status = hearth_answer_begin(handle_.get(), &handle, message.out());
  if (status != kHearthGrammarOk) return failure(status, message);
  Constraint constraint;
  constraint.handle_.reset(handle);
  constraint.mask_.resize((static_cast<size_t>(n_tokens_) + 31) / 32);
  constraint.ends_ = ends_;
  return constraint;
}

Result<std::span<const uint32_t>> Constraint::mask() {
  bool may_end = false;
  RustText message;
  const auto status =
      hearth_answer_mask(handle_.get(), mask_.data(), mask_.size(), &may_end, message.out());
  if (status == kHearthGrammarStuck) return fail(ErrorCode::kUnsupported, message.str());
  if (status != kHearthGrammarOk) return failure(status, message);
  if (may_end) {
    for (const TokenId end : ends_) mask_[static_cast<size_t>(end) / 32] |= 1u << (end % 32);
  }
  if (std::ranges::all_of(mask_, [](uint32_t word) { return word == 0; })) {
    return fail(ErrorCode::kUnsupported, "no token continues or ends the answer");
  }
  return std::span<const uint32_t>(mask_);
}

Result<bool> Constraint::commit(TokenId token) {
  bool is_complete = false;
  RustText message;
  const auto status = hearth_answer_commit(handle_.get(), static_cast<uint32_t>(token),
                                           &is_complete, message.out());
  if (status != kHearthGrammarOk) return failure(status, message);
  return is_complete;
}

}  // namespace hearth::text
