#include "lab/memory_bandwidth.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

#include "base/progress.h"
#include "base/worker_pool.h"

namespace hearth::lab {
namespace {

// Eight times the largest last-level cache of common machines, so that no pass is served by it.
constexpr size_t kBufferBytes = 256u << 20;
constexpr int kPasses = 5;

// Sums 64 bytes a round in eight independent chains: enough loads in flight to be bound by memory
// alone.
uint64_t read_all(const uint64_t* words, size_t n_words) {
  uint64_t sums[8] = {};
  for (size_t i = 0; i + 8 <= n_words; i += 8) {
    for (size_t lane = 0; lane < 8; ++lane) sums[lane] ^= words[i + lane];
  }
  return sums[0] ^ sums[1] ^ sums[2] ^ sums[3] ^ sums[4] ^ sums[5] ^ sums[6] ^ sums[7];
}

}  // namespace

Result<double> measure_read_bandwidth(int n_threads) {
  std::unique_ptr<uint64_t[]> buffer(new (std::nothrow) uint64_t[kBufferBytes / 8]);
  if (buffer == nullptr) {
    return fail(ErrorCode::kOutOfMemory,
                fmt::format("measuring memory bandwidth needs {}", format_bytes(kBufferBytes)));
  }
  WorkerPool pool(n_threads);
  const size_t share = kBufferBytes / 8 / static_cast<size_t>(pool.n_threads());
  std::vector<uint64_t> sums(static_cast<size_t>(pool.n_threads()) * 8);
  pool.run([&](int thread) {
    std::memset(buffer.get() + share * static_cast<size_t>(thread), 1, share * 8);
  });
  double best_seconds = 1e9;
  for (int pass = 0; pass < kPasses; ++pass) {
    const auto start = std::chrono::steady_clock::now();
    pool.run([&](int thread) {
      const auto t = static_cast<size_t>(thread);
      sums[t * 8] += read_all(buffer.get() + share * t, share);
    });
    best_seconds =
        std::min(best_seconds,
                 std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  volatile uint64_t sink = sums[0];
  static_cast<void>(sink);
  return static_cast<double>(share * 8 * static_cast<size_t>(pool.n_threads())) / best_seconds;
}

}  // namespace hearth::lab
