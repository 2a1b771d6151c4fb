// Ctrl-C as a flag instead of the end of the process.
#pragma once

namespace hearth::cli {

// While one lives, SIGINT only sets the flag, and interrupts a blocking read. One at a time.
class InterruptGuard {
 public:
  InterruptGuard();
  ~InterruptGuard();  // SIGINT does again what it did before
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

  bool is_set() const;
  void reset();
};

}  // namespace hearth::cli
