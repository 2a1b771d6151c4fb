#include "library/model_name.h"

#include <gtest/gtest.h>

namespace hearth::library {
namespace {

TEST(ModelName, defaults_are_left_out_of_the_text) {
  for (const char* text : {"smollm2", "smollm2:135m", "someone/model", "someone/model:q4",
                           "host.org/someone/model:x", "localhost:5000/someone/model"}) {
    const auto name = ModelName::parse(text);
    ASSERT_TRUE(name) << text;
    EXPECT_EQ(name->text(), text);
  }
  EXPECT_EQ(ModelName::parse("smollm2:latest")->text(), "smollm2");
  EXPECT_EQ(ModelName::parse("smollm2")->folder(), "local/library/smollm2");
  EXPECT_EQ(ModelName::parse("a/b:c")->tag(), "c");
}

TEST(ModelName, nothing_that_could_leave_its_folder_is_a_name) {
  for (const char* text : {"",
                           ":",
                           "a:",
                           ":tag",
                           "/",
                           "a/",
                           "/a",
                           "../a",
                           "a/../b",
                           "..",
                           "a:..",
                           "a\\b",
                           "C:\\x",
                           "a b",
                           "a//b",
                           "a/b/c/d/e",
                           "-a",
                           ".a",
                           "a:b:c",
                           "a\n",
                           "a:b.part",
                           "host:port/a/b",
                           "host:123456/a/b",
                           "\xff"}) {
    EXPECT_FALSE(ModelName::parse(text)) << text;
  }
  EXPECT_FALSE(ModelName::parse(std::string("a\0b", 3)));
  EXPECT_FALSE(ModelName::parse(std::string(81, 'a')));
  EXPECT_TRUE(ModelName::parse(std::string(80, 'a')));
}

}  // namespace
}  // namespace hearth::library
