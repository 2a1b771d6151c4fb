#include "text/pretokenizer.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <vector>

namespace hearth::text {
namespace {

constexpr CharClass kWordOrSpace = kLetter | kNumber | kSpace;

// Past the characters from `i` on that have one of the flags in `wanted`.
size_t skip_all(const CharReader& chars, std::string_view text, size_t i, CharClass wanted) {
  while (i < text.size()) {
    const ClassifiedChar c = chars.at(text, i);
    if (!(c.flags & wanted)) break;
    i += c.n_bytes;
  }
  return i;
}

// Past the characters from `i` on that have none of the flags in `unwanted`.
size_t skip_none(const CharReader& chars, std::string_view text, size_t i, CharClass unwanted) {
  while (i < text.size()) {
    const ClassifiedChar c = chars.at(text, i);
    if (c.flags & unwanted) break;
    i += c.n_bytes;
  }
  return i;
}

// \s+(?!\S)|\s+ at a white-space character: the whole run at the end of the text, else all but its
// last character, which goes with the word that follows. A character in `ends_text` counts as the
// end.
size_t scan_spaces(const CharReader& chars, std::string_view text, size_t begin,
                   CharClass ends_text) {
  size_t last = begin;
  size_t i = begin;
  while (i < text.size()) {
    const ClassifiedChar c = chars.at(text, i);
    if (!(c.flags & kSpace)) break;
    last = i;
    i += c.n_bytes;
  }
  if (i == text.size() || (chars.at(text, i).flags & ends_text)) return i;
  return last > begin ? last : i;
}

// 's|'t|'re|'ve|'m|'ll|'d at an apostrophe: bytes matched, or 0.
size_t contraction(std::string_view rest) {
  if (rest.size() < 2) return 0;
  const char first = rest[1];
  if (first == 's' || first == 't' || first == 'm' || first == 'd') return 2;
  if (rest.size() < 3) return 0;
  const char second = rest[2];
  const bool is_pair = (first == 'r' && second == 'e') || (first == 'v' && second == 'e') ||
                       (first == 'l' && second == 'l');
  return is_pair ? 3 : 0;
}

// The same with (?i:...): U+017F, the long s, folds to s.
size_t contraction_any_case(std::string_view rest) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; };
  if (rest.substr(1).starts_with("\u017F")) return 3;
  const char folded[3] = {'\'', rest.size() > 1 ? lower(rest[1]) : '\0',
                          rest.size() > 2 ? lower(rest[2]) : '\0'};
  return contraction({folded, std::min<size_t>(rest.size(), 3)});
}

// 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
// With kSingleDigits, text is first cut before and after every \p{N}.
template <bool kSingleDigits>
size_t scan_gpt2(const CharReader& chars, std::string_view text, size_t begin) {
  if (text[begin] == '\'') {
    if (const size_t n = contraction(text.substr(begin)); n > 0) return begin + n;
  }
  const size_t word = text[begin] == ' ' ? begin + 1 : begin;
  const CharClass flags = word < text.size() ? chars.at(text, word).flags : kSpace;
  if (flags & kLetter) return skip_all(chars, text, word, kLetter);
  if (flags & kNumber) {
    if (!kSingleDigits) return skip_all(chars, text, word, kNumber);
    return word > begin ? word : word + chars.at(text, word).n_bytes;
  }
  if (!(flags & kSpace)) return skip_none(chars, text, word, kWordOrSpace);
  return scan_spaces(chars, text, begin, kSingleDigits ? kNumber : CharClass{0});
}

// \s*[\r\n]+|\s+(?!\S)|\s+ at a white-space character.
size_t scan_lines_and_spaces(const CharReader& chars, std::string_view text, size_t begin) {
  size_t after_newline = 0;
  for (size_t i = begin; i < text.size();) {
    const ClassifiedChar c = chars.at(text, i);
    if (!(c.flags & kSpace)) break;
    i += c.n_bytes;
    if (c.flags & kNewline) after_newline = i;
  }
  return after_newline > 0 ? after_newline : scan_spaces(chars, text, begin, 0);
}

// (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,kMaxDigits}
// | ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
template <int kMaxDigits>
size_t scan_llama3(const CharReader& chars, std::string_view text, size_t begin) {
  if (text[begin] == '\'') {
    if (const size_t n = contraction_any_case(text.substr(begin)); n > 0) return begin + n;
  }
  const ClassifiedChar c = chars.at(text, begin);
  const size_t next = begin + c.n_bytes;
  if (c.flags & kLetter) return skip_all(chars, text, next, kLetter);
  if (c.flags & kNumber) {
    size_t end = next;
    for (int n = 1; n < kMaxDigits && (chars.flags_at(text, end) & kNumber); ++n) {
      end += chars.at(text, end).n_bytes;
    }
    return end;
  }
  const CharClass next_flags = next < text.size() ? chars.at(text, next).flags : kSpace;
  if (!(c.flags & kNewline) && (next_flags & kLetter)) return skip_all(chars, text, next, kLetter);
  const bool is_symbol = !(c.flags & kSpace);
  if (is_symbol || (text[begin] == ' ' && !(next_flags & kWordOrSpace))) {
    const size_t end = skip_none(chars, text, is_symbol ? begin : next, kWordOrSpace);
    return skip_all(chars, text, end, kNewline);
  }
  return scan_lines_and_spaces(chars, text, begin);
}

// A further family is a row here, with a scanner above if no other family cuts the same way.
constexpr Pretokenizer kPretokenizers[] = {
    // name, scanner, nfc, ignores merges, adds bos
    {"gpt-2", scan_gpt2<false>, false, false, false},
    {"phi-2", scan_gpt2<false>, false, false, false},
    {"jina-es", scan_gpt2<false>, false, false, false},
    {"jina-de", scan_gpt2<false>, false, false, false},
    {"mpt", scan_gpt2<false>, false, false, false},
    {"olmo", scan_gpt2<false>, false, false, false},
    {"smollm", scan_gpt2<true>, false, false, false},
    {"starcoder", scan_gpt2<true>, false, false, false},
    {"refact", scan_gpt2<true>, false, false, false},
    {"command-r", scan_gpt2<true>, false, false, false},
    {"codeshell", scan_gpt2<true>, false, false, false},
    {"llama-bpe", scan_llama3<3>, false, true, true},
    {"llama3", scan_llama3<3>, false, true, true},
    {"llama-v3", scan_llama3<3>, false, true, true},
    {"smaug-bpe", scan_llama3<3>, false, false, false},
    {"dbrx", scan_llama3<3>, false, false, false},
    {"qwen2", scan_llama3<1>, true, false, false},
    {"deepseek-r1-qwen", scan_llama3<1>, true, false, false},
    {"stablelm2", scan_llama3<1>, false, false, false},
};

}  // namespace

const Pretokenizer* find_pretokenizer(std::string_view name) {
  for (const Pretokenizer& row : kPretokenizers) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

std::string known_pretokenizers() {
  std::vector<std::string_view> names;
  for (const Pretokenizer& row : kPretokenizers) names.push_back(row.name);
  return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace hearth::text
