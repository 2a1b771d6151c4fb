#include "base/utf8.h"

namespace hearth {
namespace {

struct LeadByte {
  uint8_t n_bytes;       // 0: cannot start a character
  uint8_t second_least;  // range of the second byte (RFC 3629, table of section 4)
  uint8_t second_most;
};

constexpr LeadByte lead_byte(uint8_t byte) {
  if (byte < 0x80) return {1, 0, 0};
  if (byte < 0xC2) return {0, 0, 0};
  if (byte < 0xE0) return {2, 0x80, 0xBF};
  if (byte == 0xE0) return {3, 0xA0, 0xBF};
  if (byte == 0xED) return {3, 0x80, 0x9F};
  if (byte < 0xF0) return {3, 0x80, 0xBF};
  if (byte == 0xF0) return {4, 0x90, 0xBF};
  if (byte < 0xF4) return {4, 0x80, 0xBF};
  if (byte == 0xF4) return {4, 0x80, 0x8F};
  return {0, 0, 0};
}

uint8_t byte_at(std::string_view text, size_t i) { return static_cast<uint8_t>(text[i]); }

// How many bytes of `text` agree with a character's beginning; sets `wanted` to the character's
// length.
size_t matching_bytes(std::string_view text, size_t& wanted) {
  const LeadByte lead = lead_byte(byte_at(text, 0));
  wanted = lead.n_bytes;
  if (wanted <= 1) return wanted;
  for (size_t i = 1; i < wanted; ++i) {
    if (i >= text.size()) return i;
    const uint8_t least = i == 1 ? lead.second_least : 0x80;
    const uint8_t most = i == 1 ? lead.second_most : 0xBF;
    if (byte_at(text, i) < least || byte_at(text, i) > most) return i;
  }
  return wanted;
}

}  // namespace

Utf8Char decode_utf8(std::string_view text) {
  size_t wanted = 0;
  const size_t matched = matching_bytes(text, wanted);
  if (wanted == 0 || matched < wanted) return {kReplacementCharacter, 1, false};
  if (wanted == 1) return {byte_at(text, 0), 1, true};
  char32_t code_point = byte_at(text, 0) & (0x7Fu >> wanted);
  for (size_t i = 1; i < wanted; ++i) code_point = code_point << 6 | (byte_at(text, i) & 0x3Fu);
  return {code_point, static_cast<uint8_t>(wanted), true};
}

void append_utf8(std::string& out, char32_t code_point) {
  const auto put = [&out](char32_t bits) { out += static_cast<char>(bits); };
  if (code_point < 0x80) {
    put(code_point);
  } else if (code_point < 0x800) {
    put(0xC0 | code_point >> 6);
    put(0x80 | (code_point & 0x3F));
  } else if (code_point < 0x10000) {
    put(0xE0 | code_point >> 12);
    put(0x80 | (code_point >> 6 & 0x3F));
    put(0x80 | (code_point & 0x3F));
  } else {
    put(0xF0 | code_point >> 18);
    put(0x80 | (code_point >> 12 & 0x3F));
    put(0x80 | (code_point >> 6 & 0x3F));
    put(0x80 | (code_point & 0x3F));
  }
}

size_t find_invalid_utf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    if (byte_at(text, i) < 0x80) {
      ++i;
      continue;
    }
    const Utf8Char c = decode_utf8(text.substr(i));
    if (!c.is_valid) return i;
    i += c.n_bytes;
  }
  return std::string_view::npos;
}

std::string replace_invalid_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const Utf8Char c = decode_utf8(text.substr(i));
    if (c.is_valid) {
      out.append(text.substr(i, c.n_bytes));
    } else {
      append_utf8(out, kReplacementCharacter);
    }
    i += c.n_bytes;
  }
  return out;
}

size_t complete_utf8_prefix(std::string_view text) {
  const size_t window = text.size() < 3 ? text.size() : 3;
  for (size_t back = 1; back <= window; ++back) {
    const size_t start = text.size() - back;
    if ((byte_at(text, start) & 0xC0) == 0x80) continue;
    size_t wanted = 0;
    const size_t matched = matching_bytes(text.substr(start), wanted);
    return matched == back && matched < wanted ? start : text.size();
  }
  return text.size();
}

}  // namespace hearth
