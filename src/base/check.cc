#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace hearth::detail {

void check_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "hearth: internal error: %s (%s:%d)\n", condition, file, line);
  std::abort();
}

}  // namespace hearth::detail
