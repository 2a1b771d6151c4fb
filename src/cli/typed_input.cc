#include "cli/typed_input.h"

namespace hearth::cli {
namespace {

constexpr std::string_view kQuotes = "\"\"\"";

// Where the block's quotes open in a first line; npos: nowhere.
size_t opening(std::string_view line) {
  if (line.starts_with(kQuotes)) return 0;
  constexpr std::string_view kSystem = "/set system ";
  if (!line.starts_with(kSystem)) return std::string_view::npos;
  const size_t at = line.find_first_not_of(" \t", kSystem.size());
  const bool opens = at != std::string_view::npos && line.substr(at).starts_with(kQuotes);
  return opens ? at : std::string_view::npos;
}

}  // namespace

std::string_view trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

bool TypedInput::add(std::string_view line) {
  if (!is_open_) {
    is_command_ = line.starts_with('/');
    const size_t at = opening(line);
    text_ = line.substr(0, at);
    if (at == std::string_view::npos) return true;
    is_open_ = true;
    line.remove_prefix(at + kQuotes.size());
  }
  const std::string_view trimmed = line.substr(0, line.find_last_not_of(" \t") + 1);
  const bool closes = trimmed.ends_with(kQuotes);
  if (closes) line = trimmed.substr(0, trimmed.size() - kQuotes.size());
  if (has_lines_ && !(closes && line.empty())) text_ += '\n';
  has_lines_ = has_lines_ || !line.empty();
  text_ += line;
  is_open_ = !closes;
  return closes;
}

}  // namespace hearth::cli
