#include "base/mapped_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "tests/support/scratch_folder.h"

namespace hearth {
namespace {

using testing::HasSubstr;

std::string text_of(const MappedFile& file) {
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

TEST(MappedFile, gives_the_bytes_of_a_file_and_of_a_link_to_it) {
  const ScratchFolder folder;
  const std::string path = folder.write("f", "some bytes");
  ASSERT_EQ(symlink(path.c_str(), (folder / "link").c_str()), 0);
  for (const std::string& name : {path, folder / "link"}) {
    const auto file = MappedFile::open(name);
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_EQ(text_of(*file), "some bytes");
    EXPECT_EQ(file->path(), name);
  }
}

TEST(MappedFile, an_empty_file_has_no_bytes) {
  const ScratchFolder folder;
  const auto file = MappedFile::open(folder.write("f", ""));
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_TRUE(file->bytes().empty());
  file->advise_sequential(0, 1);
  file->advise_done(0, 1);
}

TEST(MappedFile, what_is_no_regular_file_is_refused_without_waiting) {
  const ScratchFolder folder;
  ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);
  for (const std::string& path :
       {folder / "pipe", folder.path().string(), std::string("/dev/zero")}) {
    const auto file = MappedFile::open(path);
    ASSERT_FALSE(file) << path;
    EXPECT_EQ(file.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(file.error().message, path + ": not a regular file");
  }
}

TEST(MappedFile, a_missing_file_is_told_from_one_that_cannot_be_opened) {
  const ScratchFolder folder;
  const std::string path = folder.write("f", "x");
  const auto missing = MappedFile::open(folder / "none");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(missing.error().message, HasSubstr("none: cannot open: No such file"));
  EXPECT_EQ(MappedFile::open(path + "/below").error().code, ErrorCode::kIo);
  EXPECT_EQ(MappedFile::open("").error().code, ErrorCode::kNotFound);
}

TEST(MappedFile, a_path_with_nul_opens_nothing) {
  const ScratchFolder folder;
  const auto file = MappedFile::open(folder.write("f", "x") + std::string("\0.gguf", 6));
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, ErrorCode::kInvalidArgument);
}

TEST(MappedFile, holds_its_own_bytes_alone) {
  const ScratchFolder folder;
  const auto file = MappedFile::open(folder.write("f", "hello"));
  ASSERT_TRUE(file);
  const auto bytes = file->bytes();
  EXPECT_TRUE(file->holds(bytes));
  EXPECT_TRUE(file->holds(bytes.subspan(2, 3)));
  EXPECT_FALSE(file->holds({bytes.data(), 6}));
  EXPECT_FALSE(file->holds({bytes.data() - 1, 2}));
  const std::byte other[5] = {};
  EXPECT_FALSE(file->holds(other));
  const auto empty = MappedFile::open(folder.write("e", ""));
  ASSERT_TRUE(empty);
  EXPECT_FALSE(empty->holds(bytes));
}

TEST(MappedFile, bytes_stay_where_they_are_when_the_object_moves) {
  const ScratchFolder folder;
  auto first = MappedFile::open(folder.write("a", "first"));
  auto second = MappedFile::open(folder.write("b", "second"));
  ASSERT_TRUE(first && second);
  const auto* data = first->bytes().data();
  MappedFile moved = *std::move(first);
  EXPECT_EQ(moved.bytes().data(), data);
  EXPECT_TRUE(first->bytes().empty());
  moved = *std::move(second);
  EXPECT_EQ(text_of(moved), "second");
  EXPECT_EQ(moved.path(), folder / "b");
}

TEST(MappedFile, bytes_stay_when_the_name_is_replaced) {
  const ScratchFolder folder;
  const auto file = MappedFile::open(folder.write("f", "old"));
  ASSERT_TRUE(file) << file.error().message;
  std::filesystem::rename(folder.write("g", "new one"), folder / "f");
  EXPECT_EQ(text_of(*file), "old");
}

size_t page_bytes() { return static_cast<size_t>(sysconf(_SC_PAGESIZE)); }

// Memory with a mapping of a file right below it, as the kernel comes to place one sooner or later.
struct Neighbours {
  explicit Neighbours(const std::string& path) {
    for (int i = 0; i < 100 && !file; ++i) {
      void* memory =
          mmap(nullptr, page_bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      blocks.push_back(static_cast<std::byte*>(memory));
      auto opened = MappedFile::open(path);
      if (!opened) return;
      const size_t n_pages = (opened->bytes().size() + page_bytes() - 1) / page_bytes();
      if (opened->bytes().data() + n_pages * page_bytes() == blocks.back()) {
        file.emplace(*std::move(opened));
      }
    }
  }
  ~Neighbours() {
    for (std::byte* block : blocks) munmap(block, page_bytes());
  }
  std::vector<std::byte*> blocks;
  std::optional<MappedFile> file;
};

TEST(MappedFile, advice_changes_no_byte_of_ours_or_of_what_lies_behind) {
  const size_t page = page_bytes();
  const ScratchFolder folder;
  const std::string text(page + 100, 'x');
  const Neighbours neighbours(folder.write("f", text));
  if (!neighbours.file) GTEST_SKIP() << "no file was mapped right below other memory";
  std::byte* behind = neighbours.blocks.back();
  std::fill_n(behind, page, std::byte{7});
  for (const size_t offset :
       {size_t{0}, page, page + 50, page + 99, page + 100, page + 200, 2 * page, ~size_t{0}}) {
    for (const size_t n_bytes : {size_t{0}, size_t{1}, page, 2 * page, ~size_t{0}}) {
      neighbours.file->advise_sequential(offset, n_bytes);
      neighbours.file->advise_done(offset, n_bytes);
    }
  }
  EXPECT_EQ(text_of(*neighbours.file), text);
  EXPECT_EQ(std::count(behind, behind + page, std::byte{7}), static_cast<ptrdiff_t>(page));
}

}  // namespace
}  // namespace hearth
