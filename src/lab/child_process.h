// Another program, spoken to line by line. No shell is involved.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hearth::lab {

// How long to wait for a child; `is_cancelled`, if any, is asked several times a second.
struct Patience {
  double seconds = 600;
  std::function<bool()> is_cancelled = {};
};

// One thread at a time.
class ChildProcess {
 public:
  // words: the program, by path or as found on the PATH, and its arguments. It runs in a process
  // group of its own: a Ctrl-C at the terminal is ours alone. kNotFound if it cannot be started.
  static Result<std::unique_ptr<ChildProcess>> start(const std::vector<std::string>& words);
  ~ChildProcess();  // kills the group and waits for the child
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // Sends `line` and an end of line to its stdin. kIo if it reads no more.
  Result<void> write_line(std::string_view line);

  // The next line of its stdout, without the end. kLimitExceeded when patience or a bound of 1 MiB
  // is at its end; kCancelled; kIo, with how it ended and the last line of its stderr, if there is
  // no further line.
  Result<std::string> read_line(const Patience& patience);

  // Everything to the end of stdout, at most 16 MiB; kIo as above if it did not end with status 0.
  Result<std::string> read_to_end(const Patience& patience);

  // Waits until all its threads sleep, at most a second; false: one still runs.
  bool wait_until_asleep() const;

 private:
  using Clock = std::chrono::steady_clock;
  ChildProcess() = default;
  // Appends what came to out_ and errors_; false at the end of stdout.
  Result<bool> read_some(Clock::time_point deadline, const Patience& patience);
  // How the child ended, after its stdout did.
  std::string how_it_ended();
  void read_last_errors();

  pid_t pid_ = -1;  // -1: waited for
  int status_ = 0;
  int in_ = -1, out_fd_ = -1, errors_fd_ = -1;
  std::string out_;     // read, not yet handed over
  std::string errors_;  // the last 4 KiB of stderr
};

}  // namespace hearth::lab
