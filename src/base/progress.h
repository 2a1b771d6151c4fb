// Progress of long work on stderr: a bar that redraws on a terminal, plain lines when piped.
// One thread at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace hearth {

class Progress {
 public:
  // unit: "tokens", "tensors"; "B" prints amounts as bytes. total 0: unknown.
  Progress(std::string title, uint64_t total, std::string unit);
  ~Progress();  // ends the line
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // Draws nothing done at once on a terminal: for work whose first step takes long.
  void begin();
  // done: amount finished so far. Draws at most every 100 ms on a terminal, every 5 s when piped.
  void update(uint64_t done);

 private:
  void draw(uint64_t done);

  std::string title_;
  uint64_t total_;
  std::string unit_;
  bool is_terminal_;
  bool drew_ = false;
  std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point last_draw_;
};

// "1.5 GiB", "312 KiB", "17 B".
std::string format_bytes(uint64_t n_bytes);

}  // namespace hearth
