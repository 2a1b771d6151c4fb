#include "base/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

#include "base/print.h"

namespace hearth {
namespace {

int terminal_columns() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace

std::string format_bytes(uint64_t n_bytes) {
  static constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  double amount = static_cast<double>(n_bytes);
  size_t unit = 0;
  while (amount >= 1024 && unit + 1 < std::size(kUnits)) {
    amount /= 1024;
    ++unit;
  }
  return unit == 0 ? fmt::format("{} B", n_bytes) : fmt::format("{:.1f} {}", amount, kUnits[unit]);
}

Progress::Progress(std::string title, uint64_t total, std::string unit)
    : title_(std::move(title)),
      total_(total),
      unit_(std::move(unit)),
      is_terminal_(isatty(STDERR_FILENO) == 1),
      start_(std::chrono::steady_clock::now()),
      last_draw_(start_) {}

Progress::~Progress() {
  if (drew_ && is_terminal_) write_err("\n");
}

void Progress::begin() {
  if (is_terminal_) draw(0);
}

void Progress::update(uint64_t done) {
  const auto now = std::chrono::steady_clock::now();
  const auto pause =
      is_terminal_ ? std::chrono::milliseconds(100) : std::chrono::milliseconds(5000);
  const bool finished = total_ > 0 && done >= total_;
  if (now - last_draw_ < pause && !(finished && drew_)) return;
  last_draw_ = now;
  draw(done);
}

void Progress::draw(uint64_t done) {
  drew_ = true;
  const auto amount = [this](uint64_t n) {
    return unit_ == "B" ? format_bytes(n) : fmt::format("{} {}", n, unit_);
  };
  const double seconds = std::chrono::duration<double>(last_draw_ - start_).count();
  const double rate = seconds > 0 ? static_cast<double>(done) / seconds : 0;
  std::string line = fmt::format("{}: {}", title_, amount(done));
  if (total_ > 0) {
    line += fmt::format(" of {} ({}%)", amount(total_), done * 100 / total_);
    if (rate > 0 && done < total_) {
      line += fmt::format(", {:.0f} s left", static_cast<double>(total_ - done) / rate);
    }
  }
  if (is_terminal_) {
    const size_t width = static_cast<size_t>(terminal_columns() - 1);
    line.resize(width, ' ');
    print_err("\r{}", line);
  } else {
    print_err("{}\n", line);
  }
}

}  // namespace hearth
