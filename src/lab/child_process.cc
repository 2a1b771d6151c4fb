#include "lab/child_process.h"

#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

extern char** environ;

namespace hearth::lab {
namespace {

constexpr size_t kMostLineBytes = 1 << 20;
constexpr size_t kMostOutputBytes = 16 << 20;
constexpr size_t kKeptErrorBytes = 4 << 10;
constexpr auto kPollPause = std::chrono::milliseconds(200);

void close_fd(int& fd) {
  if (fd >= 0) ::close(fd);
  fd = -1;
}

// What one posix_spawnp() needs, freed together.
struct SpawnPlan {
  SpawnPlan() {
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
  }
  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  void own_group_and_default_signals() {
    sigset_t all;
    sigfillset(&all);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF);
  }

  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
};

// Its wait status.
int end_child(pid_t pid) {
  int status = 0;
  ::kill(-pid, SIGKILL);
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
  return status;
}

std::string last_line(std::string_view text) {
  const size_t end = text.find_last_not_of(" \t\r\n");
  if (end == std::string_view::npos) return "";
  text = text.substr(0, end + 1);
  return std::string(text.substr(text.find_last_of('\n') + 1));
}

// The state letter of /proc/.../stat follows the last ')', which ends the name.
bool runs(const std::filesystem::path& task) {
  std::ifstream file(task / "stat");
  std::string text;
  std::getline(file, text);
  const size_t name_end = text.rfind(')');
  return name_end != std::string::npos && name_end + 2 < text.size() && text[name_end + 2] == 'R';
}

bool any_thread_runs(pid_t pid) {
  std::error_code ignored;
  for (const auto& task :
       std::filesystem::directory_iterator(fmt::format("/proc/{}/task", pid), ignored)) {
    if (runs(task.path())) return true;
  }
  return false;
}

}  // namespace

Result<std::unique_ptr<ChildProcess>> ChildProcess::start(const std::vector<std::string>& words) {
  auto child = std::unique_ptr<ChildProcess>(new ChildProcess());
  int input[2] = {-1, -1}, output[2] = {-1, -1}, errors[2] = {-1, -1};
  // A socket, not a pipe: writing to a child that is gone is an error then, not a signal.
  const bool made = ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, input) == 0 &&
                    ::pipe2(output, O_CLOEXEC) == 0 && ::pipe2(errors, O_CLOEXEC) == 0;
  child->in_ = input[0];
  child->out_fd_ = output[0];
  child->errors_fd_ = errors[0];
  int status = made ? 0 : errno;
  if (made) {
    SpawnPlan plan;
    posix_spawn_file_actions_adddup2(&plan.actions, input[1], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&plan.actions, output[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&plan.actions, errors[1], STDERR_FILENO);
    plan.own_group_and_default_signals();
    std::vector<char*> arguments;
    for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    status = ::posix_spawnp(&child->pid_, arguments[0], &plan.actions, &plan.attributes,
                            arguments.data(), environ);
    if (status != 0) child->pid_ = -1;
  }
  for (int* end : {&input[1], &output[1], &errors[1]}) close_fd(*end);
  if (status != 0) {
    return fail(ErrorCode::kNotFound,
                fmt::format("cannot start {}: {}", words.front(), std::strerror(status)));
  }
  return child;
}

ChildProcess::~ChildProcess() {
  if (pid_ > 0) end_child(pid_);
  for (int* fd : {&in_, &out_fd_, &errors_fd_}) close_fd(*fd);
}

Result<void> ChildProcess::write_line(std::string_view line) {
  std::string text(line);
  text += '\n';
  for (std::string_view left = text; !left.empty();) {
    const ssize_t n = ::send(in_, left.data(), left.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(ErrorCode::kIo, how_it_ended());
    left.remove_prefix(static_cast<size_t>(n));
  }
  return {};
}

Result<std::string> ChildProcess::read_line(const Patience& patience) {
  const auto deadline = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                           std::chrono::duration<double>(patience.seconds));
  for (;;) {
    if (const size_t end = out_.find('\n'); end != std::string::npos) {
      std::string line = out_.substr(0, end);
      out_.erase(0, end + 1);
      return line;
    }
    if (out_.size() > kMostLineBytes)
      return fail(ErrorCode::kLimitExceeded,
                  fmt::format("it wrote a line of more than {} bytes", kMostLineBytes));
    if (!TRY(read_some(deadline, patience))) return fail(ErrorCode::kIo, how_it_ended());
  }
}

Result<std::string> ChildProcess::read_to_end(const Patience& patience) {
  const auto deadline = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                           std::chrono::duration<double>(patience.seconds));
  while (TRY(read_some(deadline, patience))) {
    if (out_.size() > kMostOutputBytes)
      return fail(ErrorCode::kLimitExceeded,
                  fmt::format("it wrote more than {} bytes", kMostOutputBytes));
  }
  std::string ended = how_it_ended();
  if (!WIFEXITED(status_) || WEXITSTATUS(status_) != 0)
    return fail(ErrorCode::kIo, std::move(ended));
  return std::move(out_);
}

Result<bool> ChildProcess::read_some(Clock::time_point deadline, const Patience& patience) {
  for (;;) {
    if (patience.is_cancelled && patience.is_cancelled())
      return fail(ErrorCode::kCancelled, "stopped");
    const auto left = deadline - Clock::now();
    if (left <= Clock::duration::zero())
      return fail(ErrorCode::kLimitExceeded, fmt::format("no answer in {} s", patience.seconds));
    const auto pause = std::min<Clock::duration>(left, kPollPause);
    pollfd waited[] = {{out_fd_, POLLIN, 0}, {errors_fd_, POLLIN, 0}};
    const int timeout_ms =
        static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(pause).count());
    if (::poll(waited, 2, timeout_ms) <= 0) continue;
    char bytes[4096];
    if (waited[1].revents != 0) {
      const ssize_t n = ::read(errors_fd_, bytes, sizeof bytes);
      if (n > 0) errors_.append(bytes, static_cast<size_t>(n));
      if (n == 0) close_fd(errors_fd_);  // poll() passes over -1
      if (errors_.size() > kKeptErrorBytes) errors_.erase(0, errors_.size() - kKeptErrorBytes);
    }
    if (waited[0].revents == 0) continue;
    const ssize_t n = ::read(out_fd_, bytes, sizeof bytes);
    if (n < 0 && errno == EINTR) continue;
    if (n > 0) out_.append(bytes, static_cast<size_t>(n));
    return n > 0;
  }
}

std::string ChildProcess::how_it_ended() {
  if (pid_ > 0) {
    // It takes or gives no more: it ends by itself in a moment, or is ended.
    pid_t reaped = 0;
    for (int i = 0; i < 100 && (reaped = ::waitpid(pid_, &status_, WNOHANG)) == 0; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    if (reaped != pid_) status_ = end_child(pid_);
    pid_ = -1;
    read_last_errors();
  }
  const std::string said = last_line(errors_);
  std::string ended = WIFSIGNALED(status_)
                          ? fmt::format("it was killed by signal {}", WTERMSIG(status_))
                          : fmt::format("it ended with status {}", WEXITSTATUS(status_));
  return said.empty() ? ended : fmt::format("{}: {}", ended, said);
}

void ChildProcess::read_last_errors() {
  if (errors_fd_ < 0) return;
  ::fcntl(errors_fd_, F_SETFL, O_NONBLOCK);  // a child of its own may hold the other end
  char bytes[4096];
  ssize_t n = 0;
  while (errors_.size() < 4 * kKeptErrorBytes && (n = ::read(errors_fd_, bytes, sizeof bytes)) > 0)
    errors_.append(bytes, static_cast<size_t>(n));
}

bool ChildProcess::wait_until_asleep() const {
  const auto deadline = Clock::now() + std::chrono::seconds(1);
  while (any_thread_runs(pid_)) {
    if (Clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

}  // namespace hearth::lab
