// Every family's fixture, cut short and altered in every way that chance finds: an error or a load,
// never a crash, an endless loop or an allocation without bound. What loads runs a token.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstring>
#include <random>

#include "base/log.h"
#include "compute/cpu/backend.h"
#include "tests/models/fixture.h"

namespace hearth::models {
namespace {

#ifdef HEARTH_DEBUG_CHECKS
constexpr size_t kShare = 12;  // of the cases, one in so many: a sanitizer is slow
#else
constexpr size_t kShare = 1;
#endif

constexpr uint64_t kMemory = 64u << 20;  // that a model may take
constexpr long kMostGrowthKib = 192 << 10;

using Bytes = std::vector<std::byte>;

Bytes bytes_of(const std::string& path) {
  const MappedFile file = value_or_fail(MappedFile::open(path));
  return {file.bytes().begin(), file.bytes().end()};
}

// Bytes before the first tensor's data.
size_t header_size(const Bytes& bytes) {
  const std::span<const std::byte> part = bytes;
  const gguf::File file = value_or_fail(gguf::File::parse({&part, 1}));
  const std::byte* first = part.data() + part.size();
  for (const gguf::Tensor& tensor : file.tensors()) first = std::min(first, tensor.data.data());
  return static_cast<size_t>(first - part.data());
}

struct Tally {
  size_t n_refused = 0, n_loaded = 0, n_ran = 0;
};

// The first and the last token of the vocabulary, in one step.
Result<void> run_tokens(Model& model) {
  const int32_t n_vocab = model.info().n_vocab;
  std::vector<int32_t> blocks(static_cast<size_t>(model.n_kv_blocks()));
  std::iota(blocks.begin(), blocks.end(), 0);
  const std::span<const int32_t> table = blocks;
  const compute::Row rows[] = {{0, 0, 0, false}, {n_vocab - 1, 1, 0, true}};
  std::vector<float> logits(static_cast<size_t>(n_vocab));
  return model.run({rows, {&table, 1}}, logits);
}

Result<std::unique_ptr<Model>> load_model(const gguf::File& file, bool is_reference) {
  auto backend = is_reference ? compute::make_reference_backend()
                              : compute::make_cpu_backend({.n_threads = 1});
  return Model::load(file, std::move(backend),
                     {.n_ctx = 32, .max_rows = 4, .memory_bytes = kMemory});
}

// False where the file itself is refused, before a model is made of it.
bool try_file(std::span<const std::byte> part, Tally& tally) {
  const auto file = gguf::File::parse({&part, 1});
  if (!file) {
    EXPECT_FALSE(file.error().message.empty());
    ++tally.n_refused;
    return false;
  }
  const auto model = load_model(*file, tally.n_loaded % 8 == 7);
  if (!model) {
    EXPECT_FALSE(model.error().message.empty());
    ++tally.n_refused;
    return true;
  }
  ++tally.n_loaded;
  tally.n_ran += run_tokens(**model).has_value();
  return true;
}

long peak_kib() {
  rusage usage;
  EXPECT_EQ(getrusage(RUSAGE_SELF, &usage), 0);
  return usage.ru_maxrss;
}

class DamagedFile : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { set_log_level(LogLevel::kError); }
  void TearDown() override {
    set_log_level(LogLevel::kWarning);
#ifndef HEARTH_DEBUG_CHECKS  // a sanitizer keeps freed memory
    EXPECT_LT(peak_kib() - peak_before_, kMostGrowthKib);
#endif
  }

  const Fixture fixture_{GetParam(), quant::Type::kF16};
  const Bytes whole_ = bytes_of(fixture_.path());
  const size_t n_header_ = header_size(whole_);
  const long peak_before_ = peak_kib();
  std::mt19937 random_{2026};
  Tally tally_;
};

TEST_P(DamagedFile, cut_anywhere_is_refused) {
  std::vector<size_t> lengths;
  for (size_t n = 0; n <= n_header_; n += kShare) lengths.push_back(n);
  const std::span<const std::byte> part = whole_;
  const gguf::File file = value_or_fail(gguf::File::parse({&part, 1}));
  for (const gguf::Tensor& tensor : file.tensors()) {
    const auto end = static_cast<size_t>(tensor.data.data() + tensor.data.size() - part.data());
    for (const size_t n : {end - 1, end, end + 1}) lengths.push_back(n);
  }
  for (size_t i = 0; i < 300 / kShare; ++i) lengths.push_back(random_() % whole_.size());
  const auto end = std::ranges::max(file.tensors(), {}, [](const gguf::Tensor& tensor) {
                     return tensor.data.data() + tensor.data.size();
                   }).data;
  const auto n_needed = static_cast<size_t>(end.data() + end.size() - part.data());
  for (const size_t n : lengths) {
    if (n >= n_needed) continue;
    const Bytes cut(whole_.begin(), whole_.begin() + static_cast<ptrdiff_t>(n));
    ASSERT_FALSE(try_file(cut, tally_)) << n << " of " << whole_.size();
  }
}

TEST_P(DamagedFile, bits_flipped_in_the_header_crash_nothing) {
  Bytes bytes = whole_;
  for (size_t i = 0; i < 12000 / kShare; ++i) {
    size_t places[3];
    const size_t n = 1 + random_() % 3;
    for (size_t k = 0; k < n; ++k) {
      places[k] = random_() % (n_header_ * 8);
      bytes[places[k] / 8] ^= std::byte{1} << places[k] % 8;
    }
    try_file(bytes, tally_);
    for (size_t k = 0; k < n; ++k) bytes[places[k] / 8] ^= std::byte{1} << places[k] % 8;
  }
  EXPECT_GT(tally_.n_refused, 0u);
  EXPECT_GT(tally_.n_ran, 0u);
}

TEST_P(DamagedFile, numbers_that_attackers_like_in_the_header_crash_nothing) {
  constexpr uint64_t kNumbers[] = {0,          1,          0x7F,       0xFF,        0x7F800000,
                                   0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1ull << 60,  1ull << 63,
                                   ~0ull,      ~0ull - 31, 0x3F800000, 0x10000,     0xFF800000,
                                   2,          3,          8,          0x00800000u, 0x7F7FFFFF};
  for (size_t i = 0; i < 12000 / kShare; ++i) {
    Bytes bytes = whole_;
    const size_t width = size_t{1} << random_() % 4;
    const size_t at = random_() % (n_header_ - width);
    std::memcpy(bytes.data() + at, &kNumbers[random_() % std::size(kNumbers)], width);
    try_file(bytes, tally_);
  }
  EXPECT_GT(tally_.n_refused, 0u);
}

TEST_P(DamagedFile, bits_flipped_anywhere_crash_nothing) {
  Bytes bytes = whole_;
  for (size_t i = 0; i < 2000 / kShare; ++i) {
    const size_t place = random_() % (bytes.size() * 8);
    bytes[place / 8] ^= std::byte{1} << place % 8;
    try_file(bytes, tally_);
    bytes[place / 8] ^= std::byte{1} << place % 8;
  }
  EXPECT_GT(tally_.n_ran, 0u);
}

INSTANTIATE_TEST_SUITE_P(Fixtures, DamagedFile, testing::ValuesIn(fixture_names()),
                         [](const auto& fixture) { return fixture.param; });

}  // namespace
}  // namespace hearth::models
