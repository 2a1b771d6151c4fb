// Prompts of many models' chat templates against Python's jinja2 with transformers' settings; data
// made by tests/make_template_fixtures.py. The templates themselves are not part of the tree.
#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "text/chat_template.h"

namespace hearth::text {
namespace {

using Json = nlohmann::ordered_json;

constexpr uint32_t kPatientMs = 60'000;  // a busy machine is no mismatch

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

Json read_json(const std::string& name) {
  return Json::parse(read(std::filesystem::path(HEARTH_TEST_DIR "/data/text") / name));
}

std::string sha256(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  EXPECT_EQ(EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr), 1);
  std::string hex;
  for (unsigned i = 0; i < size; ++i) {
    hex += "0123456789abcdef"[digest[i] >> 4];
    hex += "0123456789abcdef"[digest[i] & 15];
  }
  return hex;
}

// As in the file of outcomes; where Python fails by itself, only that is compared.
Json outcome(const Result<std::string>& rendered, const Json& expected) {
  if (rendered) return sha256(*rendered);
  if (rendered.error().code != ErrorCode::kInvalidArgument) {
    return {"refused", rendered.error().message};
  }
  if (expected.is_array() && expected[0] == "error") return expected;
  return {"raise", rendered.error().message};
}

std::string excerpt(const Result<std::string>& rendered) {
  constexpr size_t kShown = 400;
  const std::string& text = rendered ? *rendered : rendered.error().message;
  return text.size() <= kShown ? text : "..." + text.substr(text.size() - kShown);
}

class TemplateReferenceTest : public testing::Test {
 protected:
  // Number of conversations compared.
  size_t compare(const std::string& name, std::string_view source, const Json& outcomes) {
    const auto compiled = ChatTemplate::compile(source);
    if (!compiled) {
      ADD_FAILURE() << name << ": " << compiled.error().message;
      return 0;
    }
    TemplateLimits limits;
    limits.time_ms = kPatientMs;
    limits.now = reference_["now"].get<int64_t>();
    for (const auto& [conversation, expected] : outcomes.items()) {
      const auto rendered = compiled->render(conversations_.at(conversation).dump(), limits);
      EXPECT_EQ(outcome(rendered, expected), expected)
          << name << ", " << conversation << ", which gave: " << excerpt(rendered);
    }
    return outcomes.size();
  }

  const Json conversations_ = read_json("template_conversations.json");
  const Json reference_ = read_json("template_outcomes.json");
};

TEST_F(TemplateReferenceTest, EveryTemplateGivesWhatTransformersGives) {
  const std::filesystem::path folder(HEARTH_SHARED_DATA "/chat-templates");
  if (!std::filesystem::is_directory(folder)) {
    GTEST_SKIP() << "no chat templates: " << folder << " is not a folder";
  }
  size_t n_compared = 0;
  for (const auto& [name, known] : reference_["templates"].items()) {
    const std::filesystem::path path = folder / name;
    if (!std::filesystem::exists(path)) {
      std::printf("skipped: %s is absent\n", path.c_str());
      continue;
    }
    const std::string source = read(path);
    if (sha256(source) != known["sha256"]) {
      std::printf("skipped: %s is not the file that the outcomes are of\n", path.c_str());
      continue;
    }
    n_compared += compare(name, source, known["outcomes"]);
  }
  std::printf("%zu renderings compared\n", n_compared);
  if (n_compared == 0) GTEST_SKIP() << "none of the known templates is in " << folder;
}

}  // namespace
}  // namespace hearth::text
