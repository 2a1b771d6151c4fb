// Tokens to text while they are made: gives only whole characters, so that what is sent can be
// shown at once. Everything given, joined, is decode() of the same tokens with each byte that is
// part of no character replaced by U+FFFD.
#pragma once

#include <string>
#include <vector>

#include "text/tokenizer.h"

namespace hearth::text {

class StreamDecoder {
 public:
  struct Options {
    bool special = false;  // control tokens give their name
    // Control tokens that give their name even so: the marks that an AnswerParser must see.
    std::vector<TokenId> shown = {};
    // The tokens start a text, so that a space which encode() would have put in is taken off.
    bool at_text_start = true;
  };

  // `tokenizer` must outlive this.
  explicit StreamDecoder(const Tokenizer& tokenizer) : StreamDecoder(tokenizer, Options()) {}
  StreamDecoder(const Tokenizer& tokenizer, Options options);

  std::string push(TokenId id);  // valid UTF-8, may be empty
  std::string flush();           // what was held back, at the end

 private:
  const Tokenizer& tokenizer_;
  const bool special_;
  std::vector<TokenId> shown_;  // ascending
  bool drops_space_;
  std::string held_;  // the beginning of a character, at most 3 bytes
};

}  // namespace hearth::text
