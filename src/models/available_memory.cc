#include "models/available_memory.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <optional>
#include <sstream>
#include <string_view>

namespace hearth::models {
namespace {

constexpr uint64_t kUnlimited = UINT64_MAX;

std::optional<uint64_t> parse_number(std::string_view text) {
  const size_t first = text.find_first_of("0123456789");
  if (first == std::string_view::npos) return {};
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data() + first, text.data() + text.size(), value);
  return error == std::errc() ? std::optional(value) : std::nullopt;
}

std::string read_text(const std::string& path) {
  std::ifstream in(path);
  std::ostringstream out;
  out << in.rdbuf();
  return in ? out.str() : "";
}

// The number of the line `name 123` or `name: 123 kB`.
std::optional<uint64_t> field(const std::string& text, std::string_view name) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with(name)) return parse_number(std::string_view(line).substr(name.size()));
  return {};
}

struct GroupFiles {
  const char *limit, *used, *droppable;
};

uint64_t left_in_group(const std::string& folder, const GroupFiles& files) {
  const auto limit = parse_number(read_text(folder + "/" + files.limit));  // "max": no number
  const auto used = parse_number(read_text(folder + "/" + files.used));
  if (!limit || !used) return kUnlimited;
  const uint64_t droppable = field(read_text(folder + "/memory.stat"), files.droppable).value_or(0);
  const uint64_t held = *used - std::min(*used, droppable);
  return *limit - std::min(*limit, held);
}

// Over the group of `path` and every group above it.
uint64_t left_in_groups(const std::string& mount, std::string path, const GroupFiles& files) {
  uint64_t left = kUnlimited;
  for (;;) {
    left = std::min(left, left_in_group(mount + path, files));
    const size_t slash = path.rfind('/');
    if (path.empty() || slash == std::string::npos) return left;
    path.resize(slash);
  }
}

}  // namespace

uint64_t available_memory_bytes(const std::string& root) {
  uint64_t left = kUnlimited;
  if (const auto kib = field(read_text(root + "/proc/meminfo"), "MemAvailable:"))
    left = *kib * 1024;
  std::istringstream groups(read_text(root + "/proc/self/cgroup"));
  for (std::string line; std::getline(groups, line);) {
    const size_t path = line.find('/');
    if (path == std::string::npos) continue;
    if (line.starts_with("0::"))
      left = std::min(left, left_in_groups(root + "/sys/fs/cgroup", line.substr(path),
                                           {"memory.max", "memory.current", "inactive_file "}));
    else if (line.find(":memory:") != std::string::npos)
      left = std::min(left, left_in_groups(root + "/sys/fs/cgroup/memory", line.substr(path),
                                           {"memory.limit_in_bytes", "memory.usage_in_bytes",
                                            "total_inactive_file "}));
  }
  return left;
}

}  // namespace hearth::models
