#include "cli/interrupt.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <thread>

namespace hearth::cli {
namespace {

struct Pipe {
  Pipe() { EXPECT_EQ(::pipe(ends), 0); }
  ~Pipe() {
    ::close(ends[0]);
    ::close(ends[1]);
  }
  int ends[2];
};

TEST(InterruptGuard, a_signal_that_came_before_the_wait_ends_it) {
  Pipe input;
  const InterruptGuard interrupt;
  ::raise(SIGINT);
  EXPECT_FALSE(interrupt.wait_for_input(input.ends[0]));
}

TEST(InterruptGuard, a_signal_that_another_thread_takes_ends_the_wait) {
  Pipe input;
  const InterruptGuard interrupt;
  std::jthread other([] { ::pthread_kill(::pthread_self(), SIGINT); });
  EXPECT_FALSE(interrupt.wait_for_input(input.ends[0]));
  EXPECT_TRUE(interrupt.is_set());
}

TEST(InterruptGuard, input_is_waited_for_again_after_a_reset) {
  Pipe input;
  InterruptGuard interrupt;
  for (int i = 0; i < 100'000; ++i) ::raise(SIGINT);  // more than a pipe holds
  interrupt.reset();
  EXPECT_FALSE(interrupt.is_set());
  ASSERT_EQ(::write(input.ends[1], "a", 1), 1);
  EXPECT_TRUE(interrupt.wait_for_input(input.ends[0]));
}

TEST(InterruptGuard, a_write_that_waits_for_its_reader_goes_on) {
  Pipe output;
  ASSERT_EQ(::fcntl(output.ends[1], F_SETFL, O_NONBLOCK), 0);
  const char page[4096] = {};
  while (::write(output.ends[1], page, sizeof page) > 0) continue;
  ASSERT_EQ(::fcntl(output.ends[1], F_SETFL, 0), 0);
  const InterruptGuard interrupt;
  const pthread_t writer = ::pthread_self();
  std::jthread other([&] {
    for (int i = 0; i < 20; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      ::pthread_kill(writer, SIGINT);
    }
    char bytes[sizeof page];
    EXPECT_GT(::read(output.ends[0], bytes, sizeof bytes), 0);
  });
  EXPECT_EQ(::write(output.ends[1], "a", 1), 1);
  EXPECT_TRUE(interrupt.is_set());
}

TEST(InterruptGuard, the_end_of_input_ends_the_wait) {
  Pipe input;
  const InterruptGuard interrupt;
  ::close(input.ends[1]);
  input.ends[1] = ::dup(input.ends[0]);
  EXPECT_TRUE(interrupt.wait_for_input(input.ends[0]));
}

}  // namespace
}  // namespace hearth::cli
