#include "library/manifest.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>

namespace hearth::library {
namespace {

using Json = nlohmann::json;
constexpr size_t kMaxBytes = 4u << 20;
constexpr size_t kMaxLayers = 256;
constexpr int kMaxDepth = 16;
constexpr const char* kModelMediaType = "application/vnd.hearth.model.gguf";
constexpr const char* kTitle = "org.opencontainers.image.title";

std::unexpected<Error> bad(const std::string& what) {
  return fail(ErrorCode::kInvalidFile, "manifest: " + what);
}

Result<Json> parse_bounded(std::string_view text) {
  if (text.size() > kMaxBytes)
    return bad(fmt::format("{} bytes, at most {} are read", text.size(), kMaxBytes));
  bool too_deep = false;
  const auto guard = [&too_deep](int depth, Json::parse_event_t, Json&) {
    too_deep = too_deep || depth > kMaxDepth;
    return !too_deep;
  };
  Json json = Json::parse(text, guard, false);
  if (too_deep) return bad(fmt::format("nested deeper than {}", kMaxDepth));
  if (json.is_discarded() || !json.is_object()) return bad("not a JSON object");
  return json;
}

std::string title_of(const Json& layer) {
  const auto annotations = layer.find("annotations");
  if (annotations == layer.end() || !annotations->is_object()) return "";
  const auto title = annotations->find(kTitle);
  return title != annotations->end() && title->is_string() ? title->get<std::string>() : "";
}

}  // namespace

Result<Manifest> parse_manifest(std::string_view text) {
  const Json json = TRY(parse_bounded(text));
  const auto layers = json.find("layers");
  if (layers == json.end() || !layers->is_array()) return bad("no array 'layers'");
  if (layers->size() > kMaxLayers)
    return bad(fmt::format("{} layers, at most {} are read", layers->size(), kMaxLayers));
  std::optional<Manifest> manifest;
  for (const Json& layer : *layers) {
    if (!layer.is_object() || !layer.contains("digest") || !layer["digest"].is_string())
      return bad("a layer without a digest");
    if (!layer.contains("size") || !layer["size"].is_number_unsigned())
      return bad("a layer without a size");
    if (layer.value("mediaType", Json()) != kModelMediaType) continue;
    if (manifest) return bad("more than one GGUF layer");
    manifest.emplace(TRY(Digest::parse(layer["digest"].get_ref<const std::string&>())),
                     layer["size"].get<uint64_t>(), title_of(layer));
  }
  if (!manifest) return bad(fmt::format("no layer of type {}", kModelMediaType));
  return *std::move(manifest);
}

std::string write_manifest(const Manifest& manifest) {
  const Json layer = {{"mediaType", kModelMediaType},
                      {"digest", manifest.model.text()},
                      {"size", manifest.size_bytes},
                      {"annotations", {{kTitle, manifest.title}}}};
  const Json json = {{"schemaVersion", 2},
                     {"mediaType", "application/vnd.oci.image.manifest.v1+json"},
                     {"artifactType", "application/vnd.hearth.model"},
                     {"layers", Json::array({layer})}};
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace hearth::library
