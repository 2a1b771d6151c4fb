// What pre-tokenizers ask about a character, from the reference library's own Unicode tables.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace hearth::text {

using CharClass = uint16_t;  // a set of the flags below

inline constexpr CharClass kUpper = 1;    // Lu, Lt
inline constexpr CharClass kLower = 2;    // Ll
inline constexpr CharClass kUncased = 4;  // Lm, Lo
inline constexpr CharClass kLetter = kUpper | kLower | kUncased;
inline constexpr CharClass kNumber = 8;         // N
inline constexpr CharClass kSpace = 16;         // White_Space
inline constexpr CharClass kNewline = 32;       // \r and \n; these are kSpace too
inline constexpr CharClass kMark = 64;          // M
inline constexpr CharClass kPunctuation = 128;  // P
inline constexpr CharClass kSymbol = 256;       // S

class CharClasses {
 public:
  static const CharClasses& table();  // built at first use; any thread

  CharClass of(char32_t code_point) const {
    if (code_point > 0x10FFFF) return 0;
    return pages_[first_[code_point >> 8] + (code_point & 0xFF)];
  }

 private:
  CharClasses();
  std::array<uint32_t, 0x1100> first_;  // offset in pages_ of a block of 256 code points
  std::vector<CharClass> pages_;
};

struct ClassifiedChar {
  CharClass flags;   // a byte that is no character has the class of U+FFFD
  uint32_t n_bytes;  // >= 1
};

// The character at text[i]; i < text.size().
class CharReader {
 public:
  CharReader();
  ClassifiedChar at(std::string_view text, size_t i) const {
    const auto byte = static_cast<uint8_t>(text[i]);
    if (byte < 0x80) [[likely]] {
      return {ascii_[byte], 1};
    }
    return beyond_ascii(text, i);
  }
  // No flags at the end of the text.
  CharClass flags_at(std::string_view text, size_t i) const {
    return i < text.size() ? at(text, i).flags : CharClass{0};
  }

 private:
  ClassifiedChar beyond_ascii(std::string_view text, size_t i) const;

  const CharClasses& classes_;
  std::array<CharClass, 0x80> ascii_;
};

}  // namespace hearth::text
