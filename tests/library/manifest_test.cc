#include "library/manifest.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hearth::library {
namespace {

const std::string kDigest = "sha256:" + std::string(64, 'a');

std::string manifest_with(const std::string& layers) {
  return fmt::format(R"({{"layers": {}}})", layers);
}

std::string model_layer(const std::string& digest, const std::string& size) {
  return fmt::format(
      R"({{"mediaType": "application/vnd.hearth.model.gguf", "digest": "{}", "size": {}}})", digest,
      size);
}

TEST(Digest, is_prefix_and_64_lower_case_hex_digits_and_nothing_else) {
  EXPECT_TRUE(Digest::parse(kDigest));
  for (const std::string& bad :
       {std::string(), std::string("sha256:"), kDigest + "a", kDigest.substr(0, 70),
        "sha256:" + std::string(64, 'A'), "sha256:../../../etc/passwd" + std::string(45, 'a'),
        "md5:" + std::string(64, 'a'), "sha256-" + std::string(64, 'a')}) {
    EXPECT_FALSE(Digest::parse(bad)) << bad;
  }
}

TEST(Sha256, equals_the_standards_example) {
  Sha256 hash;
  hash.add(std::as_bytes(std::span("ab", 2)));
  hash.add(std::as_bytes(std::span("c", 1)));
  EXPECT_EQ(hash.finish().hex(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Manifest, survives_a_round_trip) {
  const Manifest manifest{*Digest::parse(kDigest), 123456789012, "weights \"x\".gguf"};
  const auto read = parse_manifest(write_manifest(manifest));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->model, manifest.model);
  EXPECT_EQ(read->size_bytes, manifest.size_bytes);
  EXPECT_EQ(read->title, manifest.title);
}

TEST(Manifest, hostile_ones_are_refused_by_name) {
  const auto message = [](const std::string& text) {
    const auto result = parse_manifest(text);
    return result ? std::string("accepted") : result.error().message;
  };
  EXPECT_THAT(message("{"), testing::HasSubstr("not a JSON object"));
  EXPECT_THAT(message("[]"), testing::HasSubstr("not a JSON object"));
  EXPECT_THAT(message("{}"), testing::HasSubstr("no array 'layers'"));
  EXPECT_THAT(message(manifest_with("[]")), testing::HasSubstr("no layer of type"));
  EXPECT_THAT(message(manifest_with("[1]")), testing::HasSubstr("without a digest"));
  EXPECT_THAT(message(manifest_with("[" + model_layer(kDigest, "-1") + "]")),
              testing::HasSubstr("without a size"));
  EXPECT_THAT(message(manifest_with("[" + model_layer("sha256:../../x", "1") + "]")),
              testing::HasSubstr("64 lower-case"));
  EXPECT_THAT(message(manifest_with("[" + model_layer(kDigest, "1") + "," +
                                    model_layer(kDigest, "1") + "]")),
              testing::HasSubstr("more than one"));
  EXPECT_THAT(message(std::string(100'000, '[')), testing::HasSubstr("deeper"));
  EXPECT_THAT(message("{\"a\": \"" + std::string(5u << 20, 'x') + "\"}"),
              testing::HasSubstr("at most"));
}

}  // namespace
}  // namespace hearth::library
