// Ctrl-C as a flag instead of the end of the process.
#pragma once

namespace hearth::cli {

// While one lives, SIGINT only sets the flag and ends a wait_for_input(); reads and writes that it
// meets go on. One at a time.
class InterruptGuard {
 public:
  InterruptGuard();
  ~InterruptGuard();  // SIGINT does again what it did before
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

  bool is_set() const;
  void reset();

  // Waits until the descriptor can be read or is at its end; false: SIGINT came, now or at any time
  // since the last reset().
  bool wait_for_input(int descriptor) const;
};

}  // namespace hearth::cli
