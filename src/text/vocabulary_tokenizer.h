// What every tokenizer on a Vocabulary shares: special tokens, begin and end tokens, decoding. A
// kind of tokenizer adds how plain text becomes tokens.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "text/special_tokens.h"
#include "text/tokenizer.h"
#include "text/vocabulary.h"
#include "text/word_cache.h"
#include "text/word_merger.h"

namespace hearth::text {

// Buffers and cache of one call; lent from a pool, so that calls from many threads share nothing.
struct EncodeWorkspace {
  std::vector<TokenId> ids;  // the answer so far: the first n_ids
  size_t n_ids = 0;
  std::vector<Symbol> symbols;
  WordMerger merger;
  WordCache cache;
  std::string text;  // a text with a space before it

  void put(TokenId id) {
    if (n_ids == ids.size()) grow();
    ids[n_ids++] = id;
  }
  void put_cached(const WordCache::Entry& entry) {
    if (n_ids + WordCache::kMaxTokens > ids.size()) grow();
    std::memcpy(ids.data() + n_ids, entry.ids, sizeof entry.ids);
    n_ids += entry.n_ids;
  }

 private:
  void grow() { ids.resize(ids.size() * 2 + 256); }
};

class VocabularyTokenizer : public Tokenizer {
 public:
  Result<std::vector<TokenId>> encode(std::string_view text,
                                      const EncodeOptions& options) const override;
  std::string token_bytes(TokenId id, bool special) const override;
  std::string decode(const std::vector<TokenId>& ids, bool special) const override;

  int32_t n_tokens() const override { return vocabulary_.size(); }
  TokenKind kind(TokenId id) const override;
  std::string_view token_text(TokenId id) const override;
  std::optional<TokenId> find(std::string_view token_text) const override;
  std::optional<TokenId> bos() const override { return vocabulary_.bos(); }
  std::optional<TokenId> eos() const override { return vocabulary_.eos(); }
  bool adds_bos() const override { return settings_.adds_bos; }
  bool adds_space_prefix() const override { return settings_.adds_space_prefix; }
  bool ends_generation(TokenId id) const override { return vocabulary_.ends_generation(id); }

 protected:
  struct Settings {
    bool adds_bos;
    bool adds_eos;
    bool adds_space_prefix;
  };
  // The keys add_bos_token, add_eos_token and add_space_prefix over `defaults`; kInvalidFile if a
  // token is to be added that the vocabulary does not name.
  static Result<Settings> read_settings(const gguf::Metadata& metadata, Settings defaults,
                                        const Vocabulary& vocabulary);

  VocabularyTokenizer(Vocabulary vocabulary, Settings settings);

  // Appends the tokens of `segment`, which holds no special token.
  virtual void encode_segment(std::string_view segment, EncodeWorkspace& workspace) const = 0;
  // Whether add_space_prefix applies to a text, or the text after a control token.
  virtual bool takes_space_prefix(std::string_view text) const = 0;
  // The text that special tokens are looked for in: `text` itself, or a copy put into `copy`.
  virtual std::string_view prepare(std::string_view text, std::string& copy) const;

  const Vocabulary& vocabulary() const { return vocabulary_; }
  const Settings& settings() const { return settings_; }

 private:
  void encode_without_control(std::string_view text, EncodeWorkspace& workspace) const;
  std::unique_ptr<EncodeWorkspace> borrow_workspace() const;
  void return_workspace(std::unique_ptr<EncodeWorkspace> workspace) const;

  const Vocabulary vocabulary_;
  const SpecialTokens special_tokens_;
  const Settings settings_;
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<EncodeWorkspace>> idle_;  // guarded by mutex_
};

}  // namespace hearth::text
