#include "cli/report/text_table.h"

#include <fmt/format.h>

#include <algorithm>

namespace hearth::cli {

std::string text_table(const std::vector<Cells>& lines, size_t n_left) {
  std::vector<size_t> widths(lines.front().size());
  for (const Cells& cells : lines) {
    for (size_t i = 0; i < cells.size(); ++i) widths[i] = std::max(widths[i], cells[i].size());
  }
  std::string text;
  for (const Cells& cells : lines) {
    for (size_t i = 0; i < cells.size(); ++i) {
      if (i > 0) text += "  ";
      text += i < n_left ? fmt::format("{:<{}}", cells[i], widths[i])
                         : fmt::format("{:>{}}", cells[i], widths[i]);
    }
    text += '\n';
  }
  return text;
}

}  // namespace hearth::cli
