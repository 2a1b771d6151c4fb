#include "base/print.h"

#include <cerrno>
#include <cstdio>

namespace hearth {
namespace {

int g_output_error = 0;

void keep_error() {
  if (g_output_error == 0) g_output_error = errno;
}

}  // namespace

void write_out(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) keep_error();
}

void flush_out() {
  if (std::fflush(stdout) != 0) keep_error();
}

int output_error() { return g_output_error; }

void write_err(std::string_view text) {
  // Nobody is left to tell where this fails.
  if (std::fwrite(text.data(), 1, text.size(), stderr) != text.size()) std::clearerr(stderr);
}

}  // namespace hearth
