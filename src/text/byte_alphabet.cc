#include "text/byte_alphabet.h"

#include <array>
#include <cstdint>

#include "base/utf8.h"

namespace hearth::text {
namespace {

constexpr bool spells_itself(uint32_t byte) {
  return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

constexpr char32_t kFirstStandIn = 0x100;
constexpr size_t kAlphabetEnd = 0x144;  // 68 bytes have a stand-in

constexpr auto kCharacters = [] {
  std::array<char32_t, 256> characters{};
  char32_t next = kFirstStandIn;
  for (uint32_t byte = 0; byte < 256; ++byte) {
    characters[byte] = spells_itself(byte) ? byte : next++;
  }
  return characters;
}();

constexpr auto kBytes = [] {
  std::array<int16_t, kAlphabetEnd> bytes{};
  bytes.fill(-1);
  for (int16_t byte = 0; byte < 256; ++byte) bytes[kCharacters[byte]] = byte;
  return bytes;
}();

}  // namespace

char32_t character_of_byte(uint8_t byte) { return kCharacters[byte]; }

std::optional<std::string> bytes_of_spelling(std::string_view spelling) {
  std::string bytes;
  bytes.reserve(spelling.size());
  for (size_t i = 0; i < spelling.size();) {
    const Utf8Char c = decode_utf8(spelling.substr(i));
    if (!c.is_valid || c.code_point >= kBytes.size() || kBytes[c.code_point] < 0) {
      return std::nullopt;
    }
    bytes += static_cast<char>(kBytes[c.code_point]);
    i += c.n_bytes;
  }
  return bytes;
}

}  // namespace hearth::text
