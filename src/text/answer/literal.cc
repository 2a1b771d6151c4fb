#include "text/answer/literal.h"

#include <cctype>

#include "base/utf8.h"
#include "text/answer/json_scanner.h"

namespace hearth::text {
namespace {

constexpr int kMaxDepth = 64;
constexpr std::string_view kGemmaQuote = "<|\"|>";

bool is_name_char(char byte) {
  return std::isalnum(static_cast<unsigned char>(byte)) || byte == '_' || byte == '.' ||
         byte == '-' || static_cast<unsigned char>(byte) >= 0x80;
}

// Each reading function consumes what it reads and gives false where the text is something else.
class Reader {
 public:
  Reader(std::string_view text, bool is_gemma) : rest_(text), is_gemma_(is_gemma) {}

  bool value(std::string& out, int depth = 0) {
    skip_spaces();
    if (rest_.empty() || depth > kMaxDepth) return false;
    switch (rest_.front()) {
      case '{': return object(out, depth);
      case '[': return list(out, depth, "[]");
      case '(': return list(out, depth, "()");
      case '"':
      case '\'': return quoted(out);
      default: return is_gemma_ && rest_.starts_with(kGemmaQuote) ? marked(out) : word(out);
    }
  }

  bool object(std::string& out, int depth) {
    return items(out, "{}", "{}", [&] {
      skip_spaces();
      if (!rest_.empty() && (rest_.front() == '"' || rest_.front() == '\'')) {
        if (!quoted(out)) return false;
      } else if (!bare_key(out, ':')) {
        return false;
      }
      return take(':') && (out += ": ", value(out, depth + 1));
    });
  }

  // name(key=value, ...)
  bool python_call(LiteralCall& call) {
    return name(call.name) && items(call.arguments, "()", "{}", [&] {
             return bare_key(call.arguments, '=') && take('=') &&
                    (call.arguments += ": ", value(call.arguments, 1));
           });
  }

  bool name(std::string& out) {
    skip_spaces();
    size_t n = 0;
    while (n < rest_.size() && is_name_char(rest_[n])) ++n;
    out = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return n > 0;
  }

  bool take(char byte) {
    skip_spaces();
    if (!rest_.starts_with(byte)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool take_word(std::string_view word) {
    skip_spaces();
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }
  bool at_end() {
    skip_spaces();
    return rest_.empty();
  }

 private:
  void skip_spaces() {
    while (!rest_.empty() && is_json_space(rest_.front())) rest_.remove_prefix(1);
  }

  // Items parted by commas, between two brackets as read and as written.
  template <class Item>
  bool items(std::string& out, const char* read, const char* written, Item item) {
    if (!take(read[0])) return false;
    out += written[0];
    bool is_first = true;
    while (!take(read[1])) {
      if (!is_first && !take(',')) return false;
      if (!is_first && take(read[1])) break;  // a comma before the end
      if (!is_first) out += ", ";
      if (!item()) return false;
      is_first = false;
    }
    out += written[1];
    return true;
  }

  bool list(std::string& out, int depth, const char* brackets) {
    return items(out, brackets, "[]", [&] { return value(out, depth + 1); });
  }

  bool bare_key(std::string& out, char end) {
    skip_spaces();
    if (is_gemma_ && rest_.starts_with(kGemmaQuote)) return marked(out);
    const size_t n = rest_.find(end);
    if (n == std::string_view::npos || n == 0 || n > 256) return false;
    out += '"';
    append_json_text(out, rest_.substr(0, n));
    out += '"';
    rest_.remove_prefix(n);
    return true;
  }

  bool marked(std::string& out) {
    rest_.remove_prefix(kGemmaQuote.size());
    const size_t n = rest_.find(kGemmaQuote);
    if (n == std::string_view::npos) return false;
    out += '"';
    append_json_text(out, rest_.substr(0, n));
    out += '"';
    rest_.remove_prefix(n + kGemmaQuote.size());
    return true;
  }

  bool quoted(std::string& out) {
    const char quote = rest_.front();
    rest_.remove_prefix(1);
    out += '"';
    while (!rest_.empty() && rest_.front() != quote) {
      if (rest_.front() == '\\') {
        if (!escape(out)) return false;
        continue;
      }
      append_json_char(out, rest_.front());
      rest_.remove_prefix(1);
    }
    if (rest_.empty()) return false;
    rest_.remove_prefix(1);
    out += '"';
    return true;
  }

  // After a backslash. What neither language escapes keeps its backslash, as in Python.
  bool escape(std::string& out) {
    if (rest_.size() < 2) return false;
    const char byte = rest_[1];
    rest_.remove_prefix(2);
    switch (byte) {
      case 'n':
      case 't':
      case 'r':
      case 'b':
      case 'f': out += {'\\', byte}; return true;
      case '/': out += '/'; return true;
      case '\'':
      case '"':
      case '\\': append_json_char(out, byte); return true;
      case 'x': return code_point(out, 2);
      case 'u': return code_point(out, 4);
      case 'U': return code_point(out, 8);
      default:
        append_json_char(out, '\\');
        append_json_char(out, byte);
        return true;
    }
  }

  bool hex(size_t n_digits, char32_t& value) {
    if (rest_.size() < n_digits) return false;
    value = 0;
    for (const char byte : rest_.substr(0, n_digits)) {
      if (!std::isxdigit(static_cast<unsigned char>(byte))) return false;
      const int digit = byte <= '9' ? byte - '0' : (byte | 0x20) - 'a' + 10;
      value = value << 4 | static_cast<char32_t>(digit);
    }
    rest_.remove_prefix(n_digits);
    return true;
  }

  bool code_point(std::string& out, size_t n_digits) {
    char32_t value = 0;
    if (!hex(n_digits, value)) return false;
    if (value >= 0xD800 && value <= 0xDBFF) {  // JSON writes two halves
      char32_t low = 0;
      if (!rest_.starts_with("\\u")) return false;
      rest_.remove_prefix(2);
      if (!hex(4, low) || low < 0xDC00 || low > 0xDFFF) return false;
      value = 0x10000 + ((value - 0xD800) << 10) + (low - 0xDC00);
    }
    if (value > 0x10FFFF || (value >= 0xDC00 && value <= 0xDFFF)) return false;
    std::string character;
    append_utf8(character, value);
    append_json_text(out, character);
    return true;
  }

  // A number or one of the words of either language.
  bool word(std::string& out) {
    size_t n = 0;
    while (n < rest_.size() && (is_name_char(rest_[n]) || rest_[n] == '+')) ++n;
    const std::string_view text = rest_.substr(0, n);
    rest_.remove_prefix(n);
    if (text == "True" || text == "true") return (out += "true", true);
    if (text == "False" || text == "false") return (out += "false", true);
    if (text == "None" || text == "null") return (out += "null", true);
    JsonScanner number;
    if (text.empty() || text.front() > '9' || !number.push('[')) return false;
    for (const char byte : text) {
      if (!number.push(byte)) return false;
    }
    if (!number.push(']')) return false;
    out += text;
    return true;
  }

  std::string_view rest_;
  bool is_gemma_;
};

}  // namespace

std::optional<std::string> literal_to_json(std::string_view literal) {
  Reader reader(literal, false);
  std::string json;
  if (!reader.value(json) || !reader.at_end()) return std::nullopt;
  return json;
}

std::optional<std::vector<LiteralCall>> read_python_calls(std::string_view text) {
  Reader reader(text, false);
  const bool is_list = reader.take('[');
  std::vector<LiteralCall> calls;
  do {
    if (!reader.python_call(calls.emplace_back())) return std::nullopt;
  } while (is_list && reader.take(','));
  if (is_list && !reader.take(']')) return std::nullopt;
  if (!reader.at_end()) return std::nullopt;
  return calls;
}

std::optional<std::vector<LiteralCall>> read_gemma_calls(std::string_view text) {
  Reader reader(text, true);
  LiteralCall call;
  if (!reader.take_word("call:") || !reader.name(call.name)) return std::nullopt;
  if (!reader.object(call.arguments, 0) || !reader.at_end()) return std::nullopt;
  return std::vector<LiteralCall>{std::move(call)};
}

}  // namespace hearth::text
