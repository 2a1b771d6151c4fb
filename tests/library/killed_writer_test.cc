// Importing processes that are killed or still at work, and what the next writer makes of their
// unfinished files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

#include "library/library.h"
#include "tests/support/scratch_folder.h"

namespace hearth::library {
namespace {

ModelName name_of(const char* text) { return *ModelName::parse(text); }

// The least valid GGUF; `salt` makes another of it.
std::string tiny_gguf(size_t salt) {
  return std::string("GGUF\x03\0\0\0", 8) + std::string(16, '\0') + std::string(salt, ' ');
}

class KilledWriter : public testing::Test {
 protected:
  // A process that imports b.gguf as "b" and calls `in_copy` in the middle of the copy.
  pid_t start_import(const std::function<void()>& in_copy) {
    const std::string path = folder_.write("b.gguf", tiny_gguf(8));
    const pid_t child = fork();
    if (child != 0) return child;
    const auto entry =
        library_.import_file(path, name_of("b"), std::nullopt, [&in_copy](uint64_t) { in_copy(); });
    _exit(entry ? 0 : 1);
  }
  static int status_of(pid_t child) {
    int status = -1;
    waitpid(child, &status, 0);
    return status;
  }
  std::vector<std::string> blob_suffixes() const {
    std::vector<std::string> suffixes;
    for (const auto& file : std::filesystem::directory_iterator(folder_ / "home/blobs")) {
      suffixes.push_back(file.path().extension());
    }
    return suffixes;
  }

  ScratchFolder folder_;
  Library library_{folder_ / "home"};
};

TEST_F(KilledWriter, the_next_writer_removes_what_it_left) {
  const std::string path = folder_.write("a.gguf", tiny_gguf(0));
  ASSERT_TRUE(library_.import_file(path, name_of("a"), std::nullopt, {}));
  const int status = status_of(start_import([] { raise(SIGKILL); }));
  ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  ASSERT_THAT(blob_suffixes(), testing::UnorderedElementsAre("", ".part"));
  ASSERT_TRUE(library_.copy(name_of("a"), name_of("c")));
  EXPECT_THAT(blob_suffixes(), testing::ElementsAre(""));
  EXPECT_FALSE(library_.find(name_of("b")));
}

// Whether a process waits for a file lock.
bool waits_for_lock(pid_t process) {
  std::ifstream locks("/proc/locks");
  for (std::string line; std::getline(locks, line);) {
    const bool is_waiting = line.find("-> FLOCK") != std::string::npos;
    if (is_waiting && line.find(" " + std::to_string(process) + " ") != std::string::npos) {
      return true;
    }
  }
  return false;
}

TEST_F(KilledWriter, a_writer_at_work_keeps_its_file) {
  const std::string path = folder_.write("a.gguf", tiny_gguf(0));
  ASSERT_TRUE(library_.import_file(path, name_of("a"), std::nullopt, {}));
  int copying[2], go_on[2];
  ASSERT_EQ(pipe(copying), 0);
  ASSERT_EQ(pipe(go_on), 0);
  char byte = 0;
  const pid_t importer = start_import([&] {
    if (write(copying[1], "x", 1) != 1 || read(go_on[0], &byte, 1) != 1) _exit(2);
  });
  ASSERT_EQ(read(copying[0], &byte, 1), 1);
  const pid_t other = fork();
  if (other == 0) _exit(library_.copy(name_of("a"), name_of("c")) ? 0 : 1);
  while (!waits_for_lock(other)) {
    ASSERT_EQ(waitpid(other, nullptr, WNOHANG), 0) << "the other writer did not wait";
    usleep(1000);
  }
  EXPECT_THAT(blob_suffixes(), testing::UnorderedElementsAre("", ".part"));
  ASSERT_EQ(write(go_on[1], "x", 1), 1);
  EXPECT_EQ(status_of(importer), 0);
  EXPECT_EQ(status_of(other), 0);
  EXPECT_TRUE(library_.find(name_of("b")));
  EXPECT_TRUE(library_.find(name_of("c")));
  EXPECT_THAT(blob_suffixes(), testing::ElementsAre("", ""));
  for (const int end : {copying[0], copying[1], go_on[0], go_on[1]}) close(end);
}

}  // namespace
}  // namespace hearth::library
