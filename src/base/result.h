// The one way to report what input, files, the network or the machine can cause.
// Exceptions do not cross a layer; a broken invariant of our own is CHECKed (check.h).
#pragma once

#include <expected>
#include <string>
#include <utility>

namespace hearth {

enum class ErrorCode {
  kInvalidArgument,  // the caller's request or option is wrong
  kInvalidFile,      // a file's bytes break its format's rules
  kUnsupported,      // understood, but Hearth does not do it
  kNotFound,
  kOutOfMemory,      // would not fit; the message has the numbers
  kContextExceeded,  // more tokens than the context holds; the message has the numbers
  kLimitExceeded,    // a bound on work, size or depth was hit
  kIo,
  kCancelled,
  kNonFinite,  // NaN or infinity where numbers were needed
};

// message: what was expected, what was found, where, and what to do; no trailing full stop.
struct Error {
  ErrorCode code;
  std::string message;
};

template <class T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(ErrorCode code, std::string message) {
  return std::unexpected(Error{code, std::move(message)});
}

// The error with `where: ` put before its message.
inline std::unexpected<Error> fail_at(const std::string& where, Error error) {
  error.message = where + ": " + error.message;
  return std::unexpected(std::move(error));
}

}  // namespace hearth

// Value of a Result, or return its error from the calling function. One TRY may stand in another:
// each use has a name of its own for what it holds. Not in a braced list after a value that owns
// memory: gcc leaks the members that stand when the list is left.
#define TRY(expression) HEARTH_TRY_NUMBERED(expression, __COUNTER__)
#define HEARTH_TRY_NUMBERED(expression, number) HEARTH_TRY_NAMED(expression, number)
#define HEARTH_TRY_NAMED(expression, number)                          \
  __extension__({                                                     \
    auto&& try_result_##number = (expression);                        \
    if (!try_result_##number) [[unlikely]]                            \
      return std::unexpected(std::move(try_result_##number).error()); \
    ::hearth::detail::take(std::move(try_result_##number));           \
  })

namespace hearth::detail {
template <class T>
T take(std::expected<T, Error>&& result) {
  return std::move(*result);
}
inline void take(std::expected<void, Error>&&) {}
}  // namespace hearth::detail
