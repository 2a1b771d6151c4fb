#include "gguf/split_name.h"

#include <fmt/format.h>

#include <charconv>

namespace hearth::gguf {
namespace {

std::optional<uint32_t> parse_digits(std::string_view text) {
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::string split_name(std::string_view prefix, uint32_t number, uint32_t count) {
  return fmt::format("{}-{:05}-of-{:05}.gguf", prefix, number, count);
}

std::optional<SplitName> parse_split_name(std::string_view path) {
  constexpr size_t kSuffixBytes = std::string_view("-00001-of-00001.gguf").size();
  if (path.size() <= kSuffixBytes) return std::nullopt;
  const auto suffix = path.substr(path.size() - kSuffixBytes);
  const auto number = parse_digits(suffix.substr(1, 5));
  const auto count = parse_digits(suffix.substr(10, 5));
  if (!number || !count) return std::nullopt;
  const auto prefix = path.substr(0, path.size() - kSuffixBytes);
  if (split_name(prefix, *number, *count) != path) return std::nullopt;
  return SplitName{std::string(prefix), *number, *count};
}

}  // namespace hearth::gguf
