#include "text/char_class.h"

#include <map>

#include "base/utf8.h"

namespace hearth::text {
namespace {

constexpr uint32_t kCategoryStarts[] = {
#include "text/unicode_categories.inc"
};

constexpr uint32_t kSpaceBit = 32;

// In the order of the categories in unicode_categories.inc.
constexpr CharClass kClassOfCategory[] = {
    0,
    0,
    0,
    0,  // Cn Cc Cf Co
    kLower,
    kUncased,
    kUncased,
    kUpper,
    kUpper,  // Ll Lm Lo Lt Lu
    kMark,
    kMark,
    kMark,  // Mc Me Mn
    kNumber,
    kNumber,
    kNumber,  // Nd Nl No
    kPunctuation,
    kPunctuation,
    kPunctuation,
    kPunctuation,  // Pc Pd Pe Pf
    kPunctuation,
    kPunctuation,
    kPunctuation,  // Pi Po Ps
    kSymbol,
    kSymbol,
    kSymbol,
    kSymbol,  // Sc Sk Sm So
    0,
    0,
    0,  // Zl Zp Zs
};

CharClass class_of_entry(uint32_t entry) {
  CharClass flags = kClassOfCategory[entry & 31];
  if (entry & kSpaceBit) flags |= kSpace;
  return flags;
}

}  // namespace

const CharClasses& CharClasses::table() {
  static const CharClasses classes;
  return classes;
}

CharClasses::CharClasses() {
  std::map<std::vector<CharClass>, uint32_t> known;
  std::vector<CharClass> page(256);
  size_t entry = 0;
  for (uint32_t block = 0; block < first_.size(); ++block) {
    for (uint32_t low = 0; low < 256; ++low) {
      const uint32_t code_point = block << 8 | low;
      while (entry + 1 < std::size(kCategoryStarts) &&
             kCategoryStarts[entry + 1] >> 8 <= code_point) {
        ++entry;
      }
      page[low] = class_of_entry(kCategoryStarts[entry]);
      if (code_point == '\r' || code_point == '\n') page[low] |= kNewline;
    }
    const auto [at, is_new] = known.try_emplace(page, static_cast<uint32_t>(pages_.size()));
    if (is_new) pages_.insert(pages_.end(), page.begin(), page.end());
    first_[block] = at->second;
  }
}

CharReader::CharReader() : classes_(CharClasses::table()) {
  for (uint32_t c = 0; c < ascii_.size(); ++c) ascii_[c] = classes_.of(c);
}

ClassifiedChar CharReader::beyond_ascii(std::string_view text, size_t i) const {
  const Utf8Char c = decode_utf8(text.substr(i));
  return {classes_.of(c.code_point), c.n_bytes};
}

}  // namespace hearth::text
