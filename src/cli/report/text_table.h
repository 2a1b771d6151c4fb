// Columns for people.
#pragma once

#include <string>
#include <vector>

namespace hearth::cli {

using Cells = std::vector<std::string>;

// The first n_left columns to the left, figures to the right. Every line has the cells of the
// first.
std::string text_table(const std::vector<Cells>& lines, size_t n_left);

}  // namespace hearth::cli
