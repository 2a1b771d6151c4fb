#include "base/new_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>

#include "tests/support/scratch_folder.h"

namespace hearth {
namespace {

using testing::HasSubstr;

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

std::string read_all(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(NewFile, appears_whole_at_commit_and_replaces_the_old_one) {
  const ScratchFolder folder;
  folder.write("f", "old");
  auto file = NewFile::create(folder / "f");
  ASSERT_TRUE(file) << file.error().message;
  ASSERT_TRUE(file->reserve(1 << 22));
  ASSERT_TRUE(file->append(bytes_of("new")));
  ASSERT_TRUE(file->append_zeros(3 << 20));
  ASSERT_TRUE(file->append(bytes_of(std::string(2 << 20, 'x'))));
  EXPECT_EQ(file->size(), 3u + (5u << 20));
  EXPECT_EQ(read_all(folder / "f"), "old");
  ASSERT_TRUE(file->commit());
  EXPECT_EQ(read_all(folder / "f"), "new" + std::string(3 << 20, '\0') + std::string(2 << 20, 'x'));
  EXPECT_EQ(folder.n_files(), 1u);
}

TEST(NewFile, leaves_nothing_when_it_is_not_committed) {
  const ScratchFolder folder;
  {
    auto file = NewFile::create(folder / "f");
    ASSERT_TRUE(file) << file.error().message;
    const NewFile moved = *std::move(file);
    EXPECT_EQ(folder.n_files(), 1u);
  }
  EXPECT_EQ(folder.n_files(), 0u);
}

TEST(NewFile, two_writers_of_one_name_do_not_mix) {
  const ScratchFolder folder;
  auto first = NewFile::create(folder / "f");
  auto second = NewFile::create(folder / "f");
  ASSERT_TRUE(first && second);
  ASSERT_TRUE(first->append(bytes_of("first")));
  ASSERT_TRUE(second->append(bytes_of("second")));
  ASSERT_TRUE(second->commit());
  EXPECT_EQ(read_all(folder / "f"), "second");
  ASSERT_TRUE(first->commit());
  EXPECT_EQ(read_all(folder / "f"), "first");
}

TEST(NewFile, more_than_the_disk_has_is_refused_before_a_byte_is_written) {
  const ScratchFolder folder;
  auto file = NewFile::create(folder / "f");
  ASSERT_TRUE(file) << file.error().message;
  const auto reserved = file->reserve(1ull << 60);
  ASSERT_FALSE(reserved);
  EXPECT_EQ(reserved.error().code, ErrorCode::kIo);
  EXPECT_THAT(reserved.error().message, HasSubstr("1152921504606846976 bytes more are needed"));
}

TEST(NewFile, a_write_that_fails_midway_cannot_be_committed) {
  const ScratchFolder folder;
  rlimit old_limit;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &old_limit), 0);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit limit = {1 << 20, old_limit.rlim_max};
  {
    auto file = NewFile::create(folder / "f");
    ASSERT_TRUE(file) << file.error().message;
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
    const auto written = file->append_zeros(4 << 20);
    const auto committed = file->commit();
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &old_limit), 0);
    std::signal(SIGXFSZ, old_handler);
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().code, ErrorCode::kIo);
    EXPECT_THAT(written.error().message, HasSubstr("not enough disk space"));
    ASSERT_FALSE(committed);
    EXPECT_THAT(committed.error().message, HasSubstr("an earlier write failed"));
  }
  EXPECT_EQ(folder.n_files(), 0u);
}

}  // namespace
}  // namespace hearth
