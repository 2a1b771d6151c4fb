#include "text/sentencepiece.h"

#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <utility>

#include "base/utf8.h"

namespace hearth::text {
namespace {

constexpr const char* kScoresKey = "tokenizer.ggml.scores";
constexpr std::string_view kSpaceMark = "\u2581";

// Ascending as scores descend.
uint32_t priority_of_score(float score) {
  const auto bits = std::bit_cast<uint32_t>(score + 0.0f);
  const uint32_t ascending = bits & 0x80000000u ? ~bits : bits | 0x80000000u;
  return ~ascending;
}

Result<std::vector<uint32_t>> read_priorities(const gguf::Metadata& metadata, int32_t n_tokens) {
  const std::vector<float> scores = TRY(metadata.get_floats(kScoresKey));
  if (scores.size() != static_cast<size_t>(n_tokens)) {
    return fail(ErrorCode::kInvalidFile,
                fmt::format("{} has {} entries, tokenizer.ggml.tokens has {}", kScoresKey,
                            scores.size(), n_tokens));
  }
  std::vector<uint32_t> priorities;
  priorities.reserve(scores.size());
  for (size_t i = 0; i < scores.size(); ++i) {
    if (std::isnan(scores[i])) {
      return fail(ErrorCode::kInvalidFile, fmt::format("{}[{}] is not a number", kScoresKey, i));
    }
    priorities.push_back(priority_of_score(scores[i]));
  }
  return priorities;
}

Result<void> check_every_byte_has_a_token(const Vocabulary& vocabulary) {
  if (vocabulary.unknown()) return {};
  for (int byte = 0; byte < 256; ++byte) {
    if (vocabulary.byte_token(static_cast<uint8_t>(byte)) != kNoToken) continue;
    return fail(ErrorCode::kInvalidFile,
                fmt::format("tokenizer.ggml.tokens has neither the byte token <0x{:02X}> nor an "
                            "unknown token to use instead",
                            byte));
  }
  return {};
}

// Runs of spaces to one, none at the ends.
std::string collapse_spaces(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (c != ' ' || (!out.empty() && out.back() != ' ')) out += c;
  }
  if (out.ends_with(' ')) out.pop_back();
  return out;
}

}  // namespace

CutTable::CutTable(const Vocabulary& vocabulary) {
  for (TokenId id = 0; id < vocabulary.size(); ++id) {
    if (vocabulary.kind(id) != TokenKind::kNormal) continue;
    const std::string_view text = vocabulary.bytes(id);
    uint32_t left = 0;
    for (size_t i = 0; i < text.size();) {
      const Utf8Char c = decode_utf8(text.substr(i));
      const uint32_t right = class_of(c.code_point);
      if (i > 0) is_joined_[left << 8 | right] = true;
      left = right;
      i += c.n_bytes;
    }
  }
}

Result<std::unique_ptr<Tokenizer>> SentencePieceTokenizer::from_gguf(
    const gguf::Metadata& metadata) {
  Vocabulary vocabulary = TRY(Vocabulary::from_gguf(metadata, TokenSpelling::kSentencePiece));
  TRY(check_every_byte_has_a_token(vocabulary));
  std::vector<uint32_t> priorities = TRY(read_priorities(metadata, vocabulary.size()));
  const Settings defaults{.adds_bos = true, .adds_eos = false, .adds_space_prefix = true};
  const Settings settings = TRY(read_settings(metadata, defaults, vocabulary));
  const bool collapses_spaces =
      TRY(metadata.get_bool_or("tokenizer.ggml.remove_extra_whitespaces", false));
  return std::unique_ptr<Tokenizer>(new SentencePieceTokenizer(
      std::move(vocabulary), settings, std::move(priorities), collapses_spaces));
}

SentencePieceTokenizer::SentencePieceTokenizer(Vocabulary words, Settings settings,
                                               std::vector<uint32_t> priorities,
                                               bool collapses_spaces)
    : VocabularyTokenizer(std::move(words), settings),
      priorities_(std::move(priorities)),
      collapses_spaces_(collapses_spaces),
      cuts_(vocabulary()) {
  for (TokenId id = 0; id < vocabulary().size(); ++id) {
    if (vocabulary().kind(id) != TokenKind::kNormal) continue;
    longest_token_bytes_ = std::max(longest_token_bytes_, vocabulary().bytes(id).size());
  }
  for (int byte = 0; byte < 256; ++byte) {
    has_all_bytes_ &= vocabulary().byte_token(static_cast<uint8_t>(byte)) != kNoToken;
  }
  for (size_t c = 0; c < ascii_tokens_.size(); ++c) {
    const char text = static_cast<char>(c);
    ascii_tokens_[c] = vocabulary().find_normal({&text, 1});
  }
}

std::string_view SentencePieceTokenizer::prepare(std::string_view text, std::string& copy) const {
  size_t mark = text.find(kSpaceMark);
  if (mark != std::string_view::npos) {
    copy.reserve(text.size());
    size_t begin = 0;
    for (; mark != std::string_view::npos; mark = text.find(kSpaceMark, begin)) {
      copy.append(text.substr(begin, mark - begin)) += ' ';
      begin = mark + kSpaceMark.size();
    }
    text = copy.append(text.substr(begin));
  }
  if (collapses_spaces_) text = copy = collapse_spaces(text);
  return text;
}

void SentencePieceTokenizer::encode_segment(std::string_view segment,
                                            EncodeWorkspace& workspace) const {
  for (size_t begin = 0; begin < segment.size();) {
    const size_t end = next_cut(segment, begin);
    const size_t n_bytes = end - begin;
    if (n_bytes > WordCache::kMaxWordBytes || !has_all_bytes_) {
      encode_piece(segment, begin, end, workspace);
      begin = end;
      continue;
    }
    const WordCache::Key key = WordCache::key_of(segment, begin, n_bytes);
    WordCache::Entry& entry = workspace.cache.entry(key);
    if (entry.key == key) {
      workspace.put_cached(entry);
    } else {
      const size_t first = workspace.n_ids;
      encode_piece(segment, begin, end, workspace);
      WordCache::store(entry, key,
                       std::span(workspace.ids).subspan(first, workspace.n_ids - first));
    }
    begin = end;
  }
}

size_t SentencePieceTokenizer::next_cut(std::string_view text, size_t begin) const {
  uint8_t left = 0;
  for (size_t i = begin; i < text.size();) {
    const auto byte = static_cast<uint8_t>(text[i]);
    const Utf8Char c = byte < 0x80 ? Utf8Char{byte, 1, true} : decode_utf8(text.substr(i));
    const uint8_t right = CutTable::class_of(c.code_point);
    if (i > begin && cuts_.can_cut(left, right)) return i;
    left = right;
    i += c.n_bytes;
  }
  return text.size();
}

void SentencePieceTokenizer::encode_piece(std::string_view text, size_t begin, size_t end,
                                          EncodeWorkspace& workspace) const {
  std::vector<Symbol>& symbols = workspace.symbols;
  symbols.clear();
  for (size_t i = begin; i < end;) {
    const auto byte = static_cast<uint8_t>(text[i]);
    const uint32_t n_bytes = byte < 0x80 ? 1 : decode_utf8(text.substr(i, end - i)).n_bytes;
    const TokenId id =
        byte < 0x80 ? ascii_tokens_[byte] : vocabulary().find_normal(text.substr(i, n_bytes));
    symbols.push_back({static_cast<uint32_t>(i), n_bytes, id});
    i += n_bytes;
  }
  workspace.merger.merge(symbols, [this, text](const Symbol& left, const Symbol& right) {
    const size_t n_bytes = left.n_bytes + right.n_bytes;
    if (n_bytes > longest_token_bytes_) return kNoMerge;
    const TokenId id = vocabulary().find_normal(text.substr(left.begin, n_bytes));
    return id == kNoToken ? kNoMerge : Merge{priorities_[id], id};
  });
  for (const Symbol& symbol : symbols) {
    if (symbol.id != kNoToken) {
      workspace.put(symbol.id);
    } else {
      put_bytes(text.substr(symbol.begin, symbol.n_bytes), workspace);
    }
  }
}

// Byte tokens; a character that lacks one becomes an unknown token, one for a run of such.
void SentencePieceTokenizer::put_bytes(std::string_view bytes, EncodeWorkspace& workspace) const {
  bool has_all = true;
  for (const char c : bytes) {
    has_all = has_all && vocabulary().byte_token(static_cast<uint8_t>(c)) != kNoToken;
  }
  if (has_all) {
    for (const char c : bytes) workspace.put(vocabulary().byte_token(static_cast<uint8_t>(c)));
    return;
  }
  const TokenId unknown = *vocabulary().unknown();
  if (workspace.n_ids > 0 && workspace.ids[workspace.n_ids - 1] == unknown) return;
  workspace.put(unknown);
}

}  // namespace hearth::text
