#include "text/byte_bpe.h"

#include <fmt/format.h>

#include <bit>
#include <utility>

#include "text/normalizer.h"

namespace hearth::text {
namespace {

constexpr const char* kMergesKey = "tokenizer.ggml.merges";
constexpr const char* kPreKey = "tokenizer.ggml.pre";

// Files from before tokenizer.ggml.pre existed say no more than the architecture.
std::string_view name_by_architecture(const gguf::Metadata& metadata, int32_t n_tokens) {
  constexpr int32_t kLlama3Tokens = 128256;
  const auto architecture = metadata.get_string_or("general.architecture", "");
  if (!architecture) return "";
  if (architecture->starts_with("qwen2") || architecture->starts_with("qwen3")) return "qwen2";
  if (*architecture == "phi2" || *architecture == "gpt2") return "gpt-2";
  if (*architecture == "llama" && n_tokens == kLlama3Tokens) return "llama-bpe";
  return "";
}

Result<const Pretokenizer*> read_pretokenizer(const gguf::Metadata& metadata, int32_t n_tokens) {
  std::string_view name = TRY(metadata.get_string_or(kPreKey, "default"));
  if (name == "default") name = name_by_architecture(metadata, n_tokens);
  if (const Pretokenizer* row = find_pretokenizer(name)) return row;
  return fail(ErrorCode::kUnsupported,
              fmt::format("{}: unknown pre-tokenizer '{}'; known: {}", kPreKey, name.substr(0, 64),
                          known_pretokenizers()));
}

}  // namespace

Result<MergeTable> MergeTable::from_gguf(const gguf::Metadata& metadata,
                                         const Vocabulary& vocabulary) {
  const auto texts = TRY(metadata.get_strings(kMergesKey));
  if (texts.size() > (1u << 26)) {
    return fail(
        ErrorCode::kLimitExceeded,
        fmt::format("{} has {} entries; at most 2^26 are allowed", kMergesKey, texts.size()));
  }
  MergeTable table;
  table.slots_.resize(std::bit_ceil(texts.size() * 3 / 2 + 2));
  table.mask_ = table.slots_.size() - 1;
  std::string joined;
  for (size_t i = 0; i < texts.size(); ++i) {
    const std::string_view text = texts[i];
    const size_t space = text.find(' ', 1);
    const auto refuse = [&](const char* why) {
      return fail(ErrorCode::kInvalidFile,
                  fmt::format("{}[{}] '{}' {}", kMergesKey, i, text.substr(0, 64), why));
    };
    if (space == std::string_view::npos || space + 1 == text.size()) {
      return refuse("is not two tokens with a space between them");
    }
    const auto left = vocabulary.find_spelling(text.substr(0, space));
    const auto right = vocabulary.find_spelling(text.substr(space + 1));
    joined.assign(text.substr(0, space)).append(text.substr(space + 1));
    const auto merged = vocabulary.find_spelling(joined);
    if (!left || !right || !merged)
      return refuse("names a token that the vocabulary does not have");
    table.set(*left, *right, {static_cast<uint32_t>(i), *merged});
  }
  return table;
}

// Of two merges of one pair the later stays, as in the reference.
void MergeTable::set(TokenId left, TokenId right, Merge merge) {
  const uint64_t key = pair_key(left, right);
  size_t slot = mix(key, kMultiplier) & mask_;
  while (slots_[slot].key != kEmpty && slots_[slot].key != key) slot = (slot + 1) & mask_;
  slots_[slot] = {key, merge};
}

Result<std::unique_ptr<Tokenizer>> ByteBpeTokenizer::from_gguf(const gguf::Metadata& metadata) {
  Vocabulary vocabulary = TRY(Vocabulary::from_gguf(metadata, TokenSpelling::kByteLevel));
  const Pretokenizer* pretokenizer = TRY(read_pretokenizer(metadata, vocabulary.size()));
  MergeTable merges = TRY(MergeTable::from_gguf(metadata, vocabulary));
  const Settings defaults{
      .adds_bos = pretokenizer->adds_bos, .adds_eos = false, .adds_space_prefix = false};
  const Settings settings = TRY(read_settings(metadata, defaults, vocabulary));
  return std::unique_ptr<Tokenizer>(
      new ByteBpeTokenizer(std::move(vocabulary), settings, std::move(merges), *pretokenizer));
}

ByteBpeTokenizer::ByteBpeTokenizer(Vocabulary vocabulary, Settings settings, MergeTable merges,
                                   const Pretokenizer& pretokenizer)
    : VocabularyTokenizer(std::move(vocabulary), settings),
      merges_(std::move(merges)),
      pretokenizer_(pretokenizer) {}

void ByteBpeTokenizer::encode_segment(std::string_view segment, EncodeWorkspace& workspace) const {
  if (!pretokenizer_.normalizes_nfc || is_surely_nfc(segment)) {
    encode_words(segment, workspace);
    return;
  }
  encode_words(normalize_nfc(segment), workspace);
}

void ByteBpeTokenizer::encode_words(std::string_view text, EncodeWorkspace& workspace) const {
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = pretokenizer_.scan(chars_, text, begin);
    const size_t n_bytes = end - begin;
    if (n_bytes > WordCache::kMaxWordBytes) {
      encode_word(text.substr(begin, n_bytes), workspace);
      begin = end;
      continue;
    }
    const WordCache::Key key = WordCache::key_of(text, begin, n_bytes);
    WordCache::Entry& entry = workspace.cache.entry(key);
    if (entry.key == key) {
      workspace.put_cached(entry);
    } else {
      const size_t first = workspace.n_ids;
      encode_word(text.substr(begin, n_bytes), workspace);
      WordCache::store(entry, key,
                       std::span(workspace.ids).subspan(first, workspace.n_ids - first));
    }
    begin = end;
  }
}

void ByteBpeTokenizer::encode_word(std::string_view word, EncodeWorkspace& workspace) const {
  if (pretokenizer_.ignores_merges) {
    const TokenId whole = vocabulary().find_normal(word);
    if (whole != kNoToken) {
      workspace.put(whole);
      return;
    }
  }
  std::vector<Symbol>& symbols = workspace.symbols;
  symbols.clear();
  for (size_t i = 0; i < word.size(); ++i) {
    const TokenId id = vocabulary().byte_token(static_cast<uint8_t>(word[i]));
    if (id != kNoToken) symbols.push_back({static_cast<uint32_t>(i), 1, id});
  }
  workspace.merger.merge(symbols, [this](const Symbol& left, const Symbol& right) {
    return merges_.find(left.id, right.id);
  });
  for (const Symbol& symbol : symbols) workspace.put(symbol.id);
}

}  // namespace hearth::text
