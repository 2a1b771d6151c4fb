// One JSON object, array or string, byte by byte: is it JSON so far, and where in it are we.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace hearth::text {

class JsonScanner {
 public:
  static constexpr size_t kMaxDepth = 128;

  // False: these bytes begin no JSON value, or one deeper than kMaxDepth; the scanner is then of no
  // more use. Control characters in strings are let pass, as models write them: see
  // append_json_byte.
  bool push(char byte);

  size_t depth() const { return open_.size(); }  // objects and arrays that are open
  bool in_string() const { return state_ == State::kString || is_escape(); }
  bool in_key() const { return is_key_ && in_string(); }
  bool is_done() const { return state_ == State::kEnd; }

 private:
  enum class State : uint8_t {
    kValue,  // a value must come
    kFirstValue,
    kFirstKey,  // a key, or the end of an empty object
    kKey,
    kColon,
    kAfter,  // a comma or the end
    kString,
    kEscape,
    kHex,
    kNumber,
    kWord,
    kEnd,
  };
  bool is_escape() const { return state_ == State::kEscape || state_ == State::kHex; }
  bool begin_value(char byte);
  bool begin_string(bool is_key);
  bool in_text(char byte);
  bool push_hex(char byte);
  bool push_number(char byte);
  bool close(char byte);
  void end_value();

  State state_ = State::kValue;
  std::string open_;  // '{' and '['
  bool is_key_ = false;
  uint8_t n_hex_ = 0;
  uint16_t unit_ = 0;           // of a \u escape
  bool needs_low_ = false;      // a high surrogate must be followed by a low one
  uint8_t number_ = 0;          // see push_number
  const char* word_ = nullptr;  // what is left of true, false or null
};

// As it stands in a JSON string: quotes, backslashes and control characters escaped.
void append_json_char(std::string& out, char byte);
void append_json_text(std::string& out, std::string_view text);
// A byte that a scanner has let pass, as JSON has it.
void append_json_byte(std::string& out, char byte, bool in_string);

inline bool is_json_space(char byte) {
  return byte == ' ' || byte == '\n' || byte == '\t' || byte == '\r';
}

// Without the whitespace at both ends.
inline std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_json_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_json_space(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace hearth::text
