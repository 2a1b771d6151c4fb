#include "base/event_count.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace hearth {
namespace {

using std::chrono::nanoseconds;

TEST(EventCount, a_past_value_is_not_waited_for) {
  EventCount event;
  event.advance();
  EXPECT_EQ(event.value(), 1u);
  EXPECT_TRUE(event.wait(0, nanoseconds(0)));
}

// Every wait of one thread is ended by the other; a lost wake-up hangs. Without polling each wait
// races a sleeper with the one who wakes it.
TEST(EventCount, no_wake_up_is_lost) {
  EventCount there, back;
  int written = 0;
  constexpr uint32_t kTurns = 20'000;
  std::thread other([&] {
    for (uint32_t turn = 0; turn < kTurns; ++turn) {
      there.wait(turn, nanoseconds(turn % 3 * 500));
      ++written;
      back.advance();
    }
  });
  for (uint32_t turn = 0; turn < kTurns; ++turn) {
    there.advance();
    back.wait(turn, nanoseconds(turn % 2 * 1000));
    ASSERT_EQ(written, static_cast<int>(turn) + 1);
  }
  other.join();
}

TEST(EventCount, all_sleepers_wake) {
  EventCount event;
  std::vector<std::thread> sleepers;
  for (int i = 0; i < 8; ++i) sleepers.emplace_back([&] { event.wait(0, nanoseconds(0)); });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  event.advance();
  for (std::thread& sleeper : sleepers) sleeper.join();
}

}  // namespace
}  // namespace hearth
