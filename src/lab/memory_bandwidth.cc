#include "lab/memory_bandwidth.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <vector>

#include "base/cpu_features.h"
#include "base/progress.h"
#include "base/worker_pool.h"
#include "lab/read_stream.h"

namespace hearth::lab {
namespace {

// Eight times the largest last-level cache of common machines, so that no pass is served by it.
constexpr size_t kBufferBytes = 256u << 20;
constexpr size_t kHugePageBytes = 2u << 20;
constexpr size_t kRoundBytes = 256;  // of read_stream
constexpr int kPasses = 10;

struct Free {
  void operator()(std::byte* bytes) const { std::free(bytes); }
};

}  // namespace

Result<double> measure_read_bandwidth(int n_threads) {
  const std::unique_ptr<std::byte, Free> buffer(
      static_cast<std::byte*>(std::aligned_alloc(kHugePageBytes, kBufferBytes)));
  if (buffer == nullptr) {
    return fail(ErrorCode::kOutOfMemory,
                fmt::format("measuring memory bandwidth needs {}", format_bytes(kBufferBytes)));
  }
  // Only a wish: without huge pages the measurement is still one.
  static_cast<void>(madvise(buffer.get(), kBufferBytes, MADV_HUGEPAGE));
  const auto read = isa_level() >= IsaLevel::kAvx2 ? read_stream_avx2 : read_stream_portable;
  WorkerPool pool(n_threads);
  const auto n = static_cast<size_t>(pool.n_threads());
  const size_t share = kBufferBytes / n / kRoundBytes * kRoundBytes;
  std::vector<uint64_t> sums(n * 8);  // a cache line each
  pool.run([&](int thread) {
    std::memset(buffer.get() + share * static_cast<size_t>(thread), 1, share);
  });
  double best_seconds = std::numeric_limits<double>::infinity();
  for (int pass = 0; pass < kPasses; ++pass) {
    const auto start = std::chrono::steady_clock::now();
    pool.run([&](int thread) {
      const auto t = static_cast<size_t>(thread);
      sums[t * 8] += read(buffer.get() + share * t, share);
    });
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    best_seconds = std::min(best_seconds, took.count());
  }
  volatile uint64_t sink = sums[0];
  static_cast<void>(sink);
  return static_cast<double>(share * n) / best_seconds;
}

}  // namespace hearth::lab
