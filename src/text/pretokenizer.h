// Pre-tokenizers: how a family's reference cuts text into words before merging bytes. One row a
// family; the scanners are hand-written equals of the reference's regular expressions.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "text/char_class.h"

namespace hearth::text {

// The end of the word that begins at text[begin]; begin < end <= text.size(). A whole text is cut
// in time linear in its length.
using WordScanner = size_t (*)(const CharReader& chars, std::string_view text, size_t begin);

struct Pretokenizer {
  std::string_view name;  // value of tokenizer.ggml.pre
  WordScanner scan;
  bool normalizes_nfc;  // the reference normalizes text first (Unicode's form C)
  bool ignores_merges;  // a word that is a token stays whole, whatever the merges say
  bool adds_bos;        // where tokenizer.ggml.add_bos_token is missing
};

const Pretokenizer* find_pretokenizer(std::string_view name);  // null if unknown
std::string known_pretokenizers();                             // "gpt-2, smollm, ..."

}  // namespace hearth::text
