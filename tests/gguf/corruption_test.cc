// A small valid file, damaged in every way that chance finds: an error or a load, never a crash.
#include <gtest/gtest.h>

#include <random>

#include "tests/gguf/gguf_bytes.h"
#include "tests/gguf/read_everything.h"

namespace hearth::gguf {
namespace {

#ifdef HEARTH_DEBUG_CHECKS
constexpr size_t kFlips = 100'000;
#else
constexpr size_t kFlips = 1'000'000;
#endif

struct Tally {
  size_t n_loaded = 0;
  size_t n_refused = 0;
  uint64_t sum = 0;
};

void load(std::span<const std::byte> bytes, Tally& tally) {
  const auto file = File::parse({&bytes, 1});
  if (!file) {
    ++tally.n_refused;
    tally.sum += file.error().message.size();
    return;
  }
  ++tally.n_loaded;
  tally.sum += read_everything(*file, {&bytes, 1});
}

TEST(Corruption, every_truncation_is_an_error) {
  for (const uint32_t version : {2u, 3u}) {
    const GgufBytes whole = small_file(version);
    ASSERT_TRUE(whole.parse());
    for (size_t n = 0; n < whole.bytes().size(); ++n) {
      // A copy of exactly n bytes, so that a sanitizer sees a read past the end.
      const auto prefix = whole.bytes().first(n);
      const std::vector<std::byte> cut(prefix.begin(), prefix.end());
      const std::span<const std::byte> part = cut;
      const auto file = File::parse({&part, 1});
      ASSERT_FALSE(file) << n << " of " << whole.bytes().size();
      ASSERT_EQ(file.error().code, ErrorCode::kInvalidFile) << file.error().message;
    }
  }
}

TEST(Corruption, a_million_bit_flips_crash_nothing) {
  const GgufBytes whole = small_file();
  std::vector<std::byte> bytes(whole.bytes().begin(), whole.bytes().end());
  std::mt19937 random(20'26);
  Tally tally;
  for (size_t i = 0; i < kFlips;) {
    size_t places[4];
    const size_t n = 1 + random() % 4;
    for (size_t k = 0; k < n; ++k) {
      places[k] = random() % (bytes.size() * 8);
      bytes[places[k] / 8] ^= std::byte{1} << places[k] % 8;
    }
    load(bytes, tally);
    for (size_t k = 0; k < n; ++k) bytes[places[k] / 8] ^= std::byte{1} << places[k] % 8;
    i += n;
  }
  EXPECT_GT(tally.n_loaded, kFlips / 100);
  EXPECT_GT(tally.n_refused, kFlips / 100);
  EXPECT_NE(tally.sum, 0u);
  EXPECT_TRUE(std::ranges::equal(bytes, whole.bytes()));
}

TEST(Corruption, numbers_that_attackers_like_crash_nothing_anywhere) {
  const GgufBytes whole = small_file();
  const uint64_t numbers[] = {0,          1,          0x7F,         0xFF,  0x7FFFFFFF, 0x80000000,
                              0xFFFFFFFF, 1ull << 60, (1ull << 63), ~0ull, ~0ull - 31, ~0ull / 4};
  Tally tally;
  for (const uint64_t number : numbers) {
    for (const size_t width : {1u, 4u, 8u}) {
      for (size_t at = 0; at + width <= whole.bytes().size(); ++at) {
        std::vector<std::byte> bytes(whole.bytes().begin(), whole.bytes().end());
        std::memcpy(bytes.data() + at, &number, width);
        load(bytes, tally);
      }
    }
  }
  EXPECT_GT(tally.n_loaded, 1000u);
  EXPECT_GT(tally.n_refused, 1000u);
}

}  // namespace
}  // namespace hearth::gguf
