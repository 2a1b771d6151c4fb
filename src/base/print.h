// Text on stdout and stderr. Nothing here throws: a reader of stderr may be gone, which stops no
// work, and the first failure of stdout is kept for the end. One thread.
#pragma once

#include <fmt/format.h>

#include <string_view>
#include <utility>

namespace hearth {

// Buffered, as stdio does it.
void write_out(std::string_view text);
void flush_out();
// errno of the first write or flush of stdout that failed; 0: none has.
int output_error();

void write_err(std::string_view text);

template <class... Args>
void print_out(fmt::format_string<Args...> format, Args&&... args) {
  write_out(fmt::format(format, std::forward<Args>(args)...));
}

template <class... Args>
void print_err(fmt::format_string<Args...> format, Args&&... args) {
  write_err(fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace hearth
