// UTF-8 by RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace hearth {

inline constexpr char32_t kReplacementCharacter = 0xFFFD;

struct Utf8Char {
  char32_t code_point;  // kReplacementCharacter when the bytes are not a character
  uint8_t n_bytes;      // bytes consumed, >= 1; an invalid byte is consumed alone
  bool is_valid;
};

// The character at the front of `text`, which must not be empty.
Utf8Char decode_utf8(std::string_view text);

void append_utf8(std::string& out, char32_t code_point);

// Offset of the first byte that is not valid UTF-8, or npos.
size_t find_invalid_utf8(std::string_view text);

// Every byte that is part of no character replaced by U+FFFD.
std::string replace_invalid_utf8(std::string_view text);

// Length of the longest prefix that does not end inside a character: what a stream may send now.
// Bytes that can never become a character count as complete.
size_t complete_utf8_prefix(std::string_view text);

}  // namespace hearth
