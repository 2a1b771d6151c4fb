#include "cli/nearest.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

namespace hearth::cli {
namespace {

constexpr size_t kMaxShown = 3;
constexpr size_t kMaxWordBytes = 64;  // bounds the work; no command or option is longer

// Insertions, deletions, replacements and swaps of neighbours that turn one word into the other.
size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  std::iota(last.begin(), last.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] =
          std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0u : 1u)});
      const bool is_swap = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (is_swap) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, last);
    std::swap(last, row);
  }
  return last[b.size()];
}

}  // namespace

std::string did_you_mean(std::string_view word, std::span<const std::string> known) {
  if (word.empty() || word.size() > kMaxWordBytes) return {};
  const size_t n_letters = word.size() - std::min(word.find_first_not_of("-/"), word.size());
  const size_t n_allowed = n_letters <= 3 ? 1 : 2;
  std::vector<std::pair<size_t, std::string>> near;
  for (const std::string& candidate : known) {
    const size_t n_slips = distance(word, candidate);
    const bool is_begun = n_letters >= 2 && candidate.starts_with(word);
    if (is_begun || n_slips <= n_allowed) near.emplace_back(is_begun ? 1 : n_slips, candidate);
  }
  std::ranges::sort(near);
  if (near.size() > kMaxShown) near.resize(kMaxShown);
  std::vector<std::string> shown;
  for (const auto& [n_slips, candidate] : near) shown.push_back("'" + candidate + "'");
  if (shown.empty()) return {};
  return fmt::format(" (did you mean {}?)", fmt::join(shown, " or "));
}

}  // namespace hearth::cli
