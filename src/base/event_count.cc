#include "base/event_count.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace hearth {
namespace {

using Clock = std::chrono::steady_clock;

// Between two looks at the clock.
constexpr int kPollsPerLook = 16;

void pause_briefly() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// FUTEX_WAIT returns at once if the word is no longer `seen`.
void futex(const std::atomic<uint32_t>& word, int operation, uint32_t value) {
  static_assert(sizeof word == sizeof(uint32_t) && std::atomic<uint32_t>::is_always_lock_free);
  syscall(SYS_futex, &word, operation | FUTEX_PRIVATE_FLAG, value, nullptr, nullptr, 0);
}

}  // namespace

// A waiter counts itself and then has the kernel compare the value; here the value changes and then
// the count is read. In the one order of these four, either the count is seen or the change is.
void EventCount::advance() {
  value_.fetch_add(1, std::memory_order_seq_cst);
  if (n_sleepers_.load(std::memory_order_seq_cst) != 0) futex(value_, FUTEX_WAKE, INT_MAX);
}

bool EventCount::polls_past(uint32_t seen, std::chrono::nanoseconds poll) const {
  const auto until = Clock::now() + poll;
  do {
    for (int i = 0; i < kPollsPerLook; ++i) {
      if (is_past(seen)) return true;
      pause_briefly();
    }
  } while (Clock::now() < until);
  return is_past(seen);
}

bool EventCount::wait(uint32_t seen, std::chrono::nanoseconds poll) {
  if (polls_past(seen, poll)) return true;
  n_sleepers_.fetch_add(1, std::memory_order_seq_cst);
  while (!is_past(seen)) futex(value_, FUTEX_WAIT, seen);
  n_sleepers_.fetch_sub(1, std::memory_order_relaxed);
  return false;
}

}  // namespace hearth
