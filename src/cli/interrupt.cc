#include "cli/interrupt.h"

#include <signal.h>

namespace hearth::cli {
namespace {

volatile sig_atomic_t g_is_set = 0;
struct sigaction g_before;

void set_flag(int) { g_is_set = 1; }

}  // namespace

InterruptGuard::InterruptGuard() {
  g_is_set = 0;
  struct sigaction action = {};
  action.sa_handler = set_flag;  // no SA_RESTART: a read at the prompt returns
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, &g_before);
}

InterruptGuard::~InterruptGuard() { sigaction(SIGINT, &g_before, nullptr); }

bool InterruptGuard::is_set() const { return g_is_set != 0; }

void InterruptGuard::reset() { g_is_set = 0; }

}  // namespace hearth::cli
