// What packing a mapped file takes: the packed bytes, and hardly a page of the file beside them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "base/mapped_file.h"
#include "base/worker_pool.h"
#include "compute/cpu/packed_matrix.h"
#include "tests/compute/panel_matrix.h"
#include "tests/support/scratch_folder.h"

namespace hearth::compute::cpu {
namespace {

constexpr int64_t kRows = 3 * 8192 - 3, kCols = 1024, kSlices = 3;
constexpr uint64_t kMiB = 1 << 20;
constexpr uint64_t kAllowance = 12 * kMiB;

// Of this process: "VmRSS:" now, "VmHWM:" at most since forget_peak().
uint64_t resident_bytes(const std::string& field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(field)) return std::stoull(line.substr(field.size())) * 1024;
  ADD_FAILURE() << "no " << field;
  return 0;
}

bool forget_peak() {
  std::ofstream file("/proc/self/clear_refs");
  return static_cast<bool>(file << "5" << std::flush);
}

class PackingMemory : public testing::Test {
 protected:
  PackingMemory() {
    const quant::TypeInfo& info = quant::type_info(quant::Type::kQ4_0);
    const auto n_bytes =
        static_cast<size_t>(kSlices * kRows * kCols / info.block_size * info.block_bytes);
    std::string bytes(n_bytes + kBefore, '\0');
    for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = byte_at(i);
    path_ = folder_.write("weights", bytes);
  }

  void SetUp() override {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "a sanitizer's own memory is among what is counted";
#endif
  }

  // Period 251: no page and no row looks like its neighbour.
  static char byte_at(size_t i) { return static_cast<char>(i % 251); }

  MatrixSource source(const MappedFile& file) const {
    return {"test", quant::Type::kQ4_0, kRows, kCols, kSlices, file.bytes().subspan(kBefore),
            nullptr};
  }

  static constexpr size_t kBefore = 5000;  // of the file, read by others
  const ScratchFolder folder_;
  std::string path_;
};

TEST_F(PackingMemory, a_packed_file_leaves_memory) {
  const Result<MappedFile> opened = MappedFile::open(path_);
  ASSERT_TRUE(opened);
  const MappedFile& file = *opened;
  MatrixSource source = this->source(file);
  source.file = &file;
  WorkerPool pool(2);
  const uint64_t before = resident_bytes("VmRSS:");
  ASSERT_TRUE(forget_peak());
  const Result<PackedMatrix> packed = PackedMatrix::pack(source, isa_level(), pool);
  ASSERT_TRUE(packed);
  const uint64_t most = before + packed->size_bytes() + packed->size_bytes() / 10 + kAllowance;
  EXPECT_LE(resident_bytes("VmHWM:"), most);
  EXPECT_LE(resident_bytes("VmRSS:"), most);
}

TEST_F(PackingMemory, what_left_memory_reads_as_before_and_packs_the_same) {
  const Result<MappedFile> opened = MappedFile::open(path_);
  ASSERT_TRUE(opened);
  const MappedFile& file = *opened;
  WorkerPool pool(2);
  const Result<PackedMatrix> kept = PackedMatrix::pack(source(file), isa_level(), pool);
  MatrixSource released = source(file);
  released.file = &file;
  const Result<PackedMatrix> dropped = PackedMatrix::pack(released, isa_level(), pool);
  ASSERT_TRUE(kept && dropped);
  const auto bytes = file.bytes();
  for (size_t i = 0; i < bytes.size(); ++i)
    ASSERT_EQ(static_cast<char>(bytes[i]), byte_at(i)) << "byte " << i;
  QuantizedRows x(1, kCols);
  x.reset(1, kCols, kept->activation_format());
  const std::vector<float> ones(kCols, 1.0f);
  x.set_row(0, ones.data());
  std::vector<float> a(kRows), b(kRows);
  for (int64_t slice = 0; slice < kSlices; ++slice) {
    kept->multiply(x, 0, 1, slice, 0, kept->n_panels(), a.data(), kRows);
    dropped->multiply(x, 0, 1, slice, 0, dropped->n_panels(), b.data(), kRows);
    EXPECT_EQ(std::memcmp(a.data(), b.data(), a.size() * sizeof(float)), 0);
  }
}

}  // namespace
}  // namespace hearth::compute::cpu
