#include "text/answer/json_scanner.h"

#include <fmt/format.h>

namespace hearth::text {
namespace {

bool is_digit(char byte) { return byte >= '0' && byte <= '9'; }

// Where a number stands.
enum Number : uint8_t { kMinus, kZero, kWhole, kPoint, kFraction, kExponent, kSign, kPower };
bool may_end(uint8_t at) { return at == kZero || at == kWhole || at == kFraction || at == kPower; }

}  // namespace

bool JsonScanner::push(char byte) {
  if (in_string()) return in_text(byte);
  if (state_ == State::kNumber) {
    if (push_number(byte)) return true;
    if (!may_end(number_)) return false;
    end_value();
  }
  if (state_ == State::kWord) {
    if (byte != *word_) return false;
    if (*++word_ == '\0') end_value();
    return true;
  }
  if (is_json_space(byte)) return true;
  switch (state_) {
    case State::kFirstValue:
      if (byte == ']') return close(byte);
      [[fallthrough]];
    case State::kValue: return begin_value(byte);
    case State::kFirstKey:
      if (byte == '}') return close(byte);
      [[fallthrough]];
    case State::kKey: return byte == '"' && begin_string(true);
    case State::kColon:
      if (byte != ':') return false;
      state_ = State::kValue;
      return true;
    case State::kAfter:
      if (byte != ',') return close(byte);
      state_ = open_.back() == '{' ? State::kKey : State::kValue;
      return true;
    default: return false;
  }
}

bool JsonScanner::begin_value(char byte) {
  if (byte == '{' || byte == '[') {
    if (open_.size() == kMaxDepth) return false;
    open_ += byte;
    state_ = byte == '{' ? State::kFirstKey : State::kFirstValue;
    return true;
  }
  if (byte == '"') return begin_string(false);
  if (open_.empty()) return false;
  if (byte == '-' || is_digit(byte)) {
    state_ = State::kNumber;
    number_ = byte == '-' ? kMinus : byte == '0' ? kZero : kWhole;
    return true;
  }
  word_ = byte == 't' ? "rue" : byte == 'f' ? "alse" : byte == 'n' ? "ull" : nullptr;
  state_ = State::kWord;
  return word_ != nullptr;
}

bool JsonScanner::begin_string(bool is_key) {
  state_ = State::kString;
  is_key_ = is_key;
  return true;
}

bool JsonScanner::in_text(char byte) {
  if (state_ == State::kHex) return push_hex(byte);
  if (state_ == State::kEscape) {
    if (needs_low_ && byte != 'u') return false;
    state_ = byte == 'u' ? State::kHex : State::kString;
    n_hex_ = 0;
    unit_ = 0;
    return std::string_view("\"\\/bfnrtu").find(byte) != std::string_view::npos;
  }
  if (needs_low_ && byte != '\\') return false;
  if (byte == '\\') state_ = State::kEscape;
  if (byte != '"') return true;
  if (!is_key_) {
    end_value();
    return true;
  }
  state_ = State::kColon;
  return true;
}

bool JsonScanner::push_hex(char byte) {
  const char lower = static_cast<char>(byte | 0x20);
  const bool is_letter = lower >= 'a' && lower <= 'f';
  if (!is_digit(byte) && !is_letter) return false;
  unit_ = static_cast<uint16_t>(unit_ << 4 | (is_letter ? lower - 'a' + 10 : byte - '0'));
  if (++n_hex_ < 4) return true;
  const bool is_low = unit_ >= 0xDC00 && unit_ <= 0xDFFF;
  if (is_low != needs_low_) return false;
  needs_low_ = unit_ >= 0xD800 && unit_ <= 0xDBFF;
  state_ = State::kString;
  return true;
}

// False: the byte is no part of the number.
bool JsonScanner::push_number(char byte) {
  const bool is_power = byte == 'e' || byte == 'E';
  switch (number_) {
    case kMinus:
      if (!is_digit(byte)) return false;
      number_ = byte == '0' ? kZero : kWhole;
      return true;
    case kWhole:
      if (is_digit(byte)) return true;
      [[fallthrough]];
    case kZero:
      if (byte != '.' && !is_power) return false;
      number_ = is_power ? kExponent : kPoint;
      return true;
    case kPoint:
    case kFraction:
      if (is_digit(byte)) {
        number_ = kFraction;
      } else if (number_ == kFraction && is_power) {
        number_ = kExponent;
      } else {
        return false;
      }
      return true;
    case kExponent:
      if (byte == '+' || byte == '-') {
        number_ = kSign;
        return true;
      }
      [[fallthrough]];
    default:
      if (!is_digit(byte)) return false;
      number_ = kPower;
      return true;
  }
}

bool JsonScanner::close(char byte) {
  if (open_.empty() || byte != (open_.back() == '{' ? '}' : ']')) return false;
  open_.pop_back();
  end_value();
  return true;
}

void JsonScanner::end_value() { state_ = open_.empty() ? State::kEnd : State::kAfter; }

void append_json_char(std::string& out, char byte) {
  const auto value = static_cast<unsigned char>(byte);
  switch (byte) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\n': out += "\\n"; return;
    case '\t': out += "\\t"; return;
    case '\r': out += "\\r"; return;
    default: break;
  }
  if (value < 0x20) {
    out += fmt::format("\\u{:04x}", value);
  } else {
    out += byte;
  }
}

void append_json_text(std::string& out, std::string_view text) {
  for (const char byte : text) append_json_char(out, byte);
}

void append_json_byte(std::string& out, char byte, bool in_string) {
  if (in_string && static_cast<unsigned char>(byte) < 0x20) {
    append_json_char(out, byte);
  } else {
    out += byte;
  }
}

}  // namespace hearth::text
