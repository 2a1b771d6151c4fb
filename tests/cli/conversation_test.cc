#include "cli/conversation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/scratch_folder.h"

namespace hearth::cli {
namespace {

using testing::HasSubstr;

TEST(Conversation, LoadGivesBackWhatWasSaved) {
  const ScratchFolder folder;
  const std::string path = folder / "talk.json";
  Conversation saved;
  saved.system = "Be \"terse\".";
  saved.messages = {{"user", "a\nb\t\xE2\x82\xAC"}, {"assistant", ""}};
  ASSERT_TRUE(saved.save(path));
  const auto loaded = Conversation::load(path);
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->system, saved.system);
  ASSERT_EQ(loaded->messages.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(loaded->messages[i].role, saved.messages[i].role);
    EXPECT_EQ(loaded->messages[i].content, saved.messages[i].content);
  }
}

TEST(Conversation, NoSystemTextIsNoMessage) {
  EXPECT_THAT(Conversation().to_json(), testing::Not(HasSubstr("system")));
}

TEST(Conversation, BytesThatAreNotUtf8AreReplaced) {
  Conversation saved;
  saved.messages = {{"assistant", "a\xFFz"}};
  const auto loaded = Conversation::from_json(saved.to_json());
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->messages.at(0).content, "a\xEF\xBF\xBDz");
}

TEST(Conversation, WhatIsWrongIsNamed) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "not a JSON object"},
      {"[]", "not a JSON object"},
      {"{\"messages\": 1}", "no array \"messages\""},
      {"{\"messages\": [3]}", "messages[0]"},
      {"{\"messages\": [{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"user\"}]}",
       "messages[1]"},
  };
  for (const auto& [json, reason] : cases) {
    const auto conversation = Conversation::from_json(json);
    ASSERT_FALSE(conversation) << json;
    EXPECT_EQ(conversation.error().code, ErrorCode::kInvalidFile);
    EXPECT_THAT(conversation.error().message, HasSubstr(reason));
  }
}

TEST(Conversation, AMissingFileIsNamed) {
  const auto conversation = Conversation::load("/nowhere/talk.json");
  ASSERT_FALSE(conversation);
  EXPECT_THAT(conversation.error().message, HasSubstr("/nowhere/talk.json"));
}

}  // namespace
}  // namespace hearth::cli
