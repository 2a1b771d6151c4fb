#include "cli/interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>

#include "base/check.h"

namespace hearth::cli {
namespace {

// Written by the handler in whichever thread the signal finds, so atomic rather than sig_atomic_t.
std::atomic<bool> g_is_set = false;
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may not take a lock");
struct sigaction g_before;
// Readable once SIGINT came: a signal that finds its thread just before poll() ends that poll() all
// the same, whichever thread it finds.
int g_pipe[2] = {-1, -1};

void set_flag(int) {
  const int errno_before = errno;
  g_is_set = true;
  [[maybe_unused]] const ssize_t n = ::write(g_pipe[1], "", 1);  // a full pipe says it already
  errno = errno_before;
}

void drain_pipe() {
  char bytes[64];
  while (::read(g_pipe[0], bytes, sizeof bytes) > 0) continue;
}

}  // namespace

InterruptGuard::InterruptGuard() {
  CHECK(::pipe2(g_pipe, O_CLOEXEC | O_NONBLOCK) == 0);
  g_is_set = false;
  struct sigaction action = {};
  action.sa_handler = set_flag;
  action.sa_flags = SA_RESTART;  // an answer's write to a terminal that is behind goes on
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, &g_before);
}

InterruptGuard::~InterruptGuard() {
  sigaction(SIGINT, &g_before, nullptr);
  ::close(g_pipe[0]);
  ::close(g_pipe[1]);
}

bool InterruptGuard::is_set() const { return g_is_set; }

void InterruptGuard::reset() {
  g_is_set = false;
  drain_pipe();
}

bool InterruptGuard::wait_for_input(int descriptor) const {
  while (!is_set()) {
    pollfd waited[] = {{g_pipe[0], POLLIN, 0}, {descriptor, POLLIN, 0}};
    if (::poll(waited, 2, -1) < 0 && errno != EINTR)
      return true;  // the read will say what is wrong
    if (waited[0].revents != 0) return false;
    if (waited[1].revents != 0) return true;
  }
  return false;
}

}  // namespace hearth::cli
