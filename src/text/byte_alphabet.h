// GPT-2's spelling of bytes: each byte as one printable character, so that a vocabulary is a list
// of words without spaces. Source: openai/gpt-2 encoder.py, bytes_to_unicode.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hearth::text {

char32_t character_of_byte(uint8_t byte);

// The bytes that `spelling` stands for, or nothing if it holds a character that spells no byte.
std::optional<std::string> bytes_of_spelling(std::string_view spelling);

}  // namespace hearth::text
