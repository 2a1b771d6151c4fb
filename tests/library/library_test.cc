#include "library/library.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/support/scratch_folder.h"

namespace hearth::library {
namespace {

// The least valid GGUF: version 3, no tensors, no keys; `salt` spaces after it change the digest.
std::string tiny_gguf(size_t salt = 0) {
  std::string bytes("GGUF\x03\0\0\0", 8);
  return bytes + std::string(16, '\0') + std::string(salt, ' ');
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

ModelName name_of(const char* text) { return *ModelName::parse(text); }

class LibraryTest : public testing::Test {
 protected:
  size_t n_blobs() const {
    const std::filesystem::path blobs = folder_ / "home/blobs";
    if (!std::filesystem::exists(blobs)) return 0;
    return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(blobs), {}));
  }
  ScratchFolder folder_;
  Library library_{folder_ / "home"};
};

TEST_F(LibraryTest, an_imported_model_is_found_with_its_bytes) {
  const std::string path = folder_.write("a.gguf", tiny_gguf());
  const auto entry = library_.import_file(path, name_of("tiny:one"), std::nullopt, {});
  ASSERT_TRUE(entry) << entry.error().message;
  EXPECT_EQ(read_file(entry->path), tiny_gguf());
  EXPECT_EQ(entry->manifest.title, "a.gguf");
  const auto list = library_.list();
  ASSERT_TRUE(list);
  ASSERT_EQ(list->size(), 1u);
  EXPECT_EQ(list->front().name.text(), "tiny:one");
}

TEST_F(LibraryTest, a_wrong_digest_imports_nothing) {
  const std::string path = folder_.write("a.gguf", tiny_gguf());
  const auto expected = Digest::parse("sha256:" + std::string(64, '0'));
  const auto entry = library_.import_file(path, name_of("tiny"), *expected, {});
  ASSERT_FALSE(entry);
  EXPECT_THAT(entry.error().message, testing::HasSubstr("nothing was imported"));
  EXPECT_EQ(n_blobs(), 0u);
  EXPECT_TRUE(library_.list()->empty());
}

TEST_F(LibraryTest, what_is_no_gguf_is_refused) {
  const std::string path = folder_.write("a.gguf", "hello");
  EXPECT_FALSE(library_.import_file(path, name_of("tiny"), std::nullopt, {}));
  EXPECT_EQ(n_blobs(), 0u);
}

TEST_F(LibraryTest, a_blob_goes_with_its_last_name) {
  const std::string path = folder_.write("a.gguf", tiny_gguf());
  ASSERT_TRUE(library_.import_file(path, name_of("tiny:one"), std::nullopt, {}));
  ASSERT_TRUE(library_.copy(name_of("tiny:one"), name_of("tiny:two")));
  EXPECT_EQ(n_blobs(), 1u);
  ASSERT_TRUE(library_.remove(name_of("tiny:one")));
  EXPECT_EQ(n_blobs(), 1u);
  EXPECT_EQ(library_.find(name_of("tiny:one")).error().code, ErrorCode::kNotFound);
  ASSERT_TRUE(library_.remove(name_of("tiny:two")));
  EXPECT_EQ(n_blobs(), 0u);
}

TEST_F(LibraryTest, importing_under_a_taken_name_replaces_it) {
  ASSERT_TRUE(library_.import_file(folder_.write("a.gguf", tiny_gguf()), name_of("tiny"),
                                   std::nullopt, {}));
  ASSERT_TRUE(library_.import_file(folder_.write("b.gguf", tiny_gguf(8)), name_of("tiny"),
                                   std::nullopt, {}));
  EXPECT_EQ(library_.find(name_of("tiny"))->manifest.title, "b.gguf");
}

TEST_F(LibraryTest, missing_names_are_said) {
  EXPECT_THAT(library_.find(name_of("none")).error().message,
              testing::HasSubstr("no model 'none'"));
  EXPECT_EQ(library_.remove(name_of("none")).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(library_.copy(name_of("none"), name_of("other")).error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace hearth::library
