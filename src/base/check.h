// CHECK: an invariant of our own, on in every build. DCHECK: the same, in debug and test builds
// only. Never for anything that input can cause: that is a Result.
#pragma once

namespace hearth::detail {
[[noreturn]] void check_failed(const char* condition, const char* file, int line);
}

#define CHECK(condition)                 \
  (static_cast<bool>(condition) ? void() \
                                : ::hearth::detail::check_failed(#condition, __FILE__, __LINE__))

#ifdef HEARTH_DEBUG_CHECKS
#define DCHECK(condition) CHECK(condition)
#else
#define DCHECK(condition) static_cast<void>(sizeof(!(condition)))
#endif
